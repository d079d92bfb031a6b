package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Errors of registries, and of what lies in them.
var (
	// ErrNotFound: there is no such repository, tag or digest.
	ErrNotFound = errors.New("the registry has nothing of that name")
	// ErrDenied: the registry wants credentials, or others.
	ErrDenied = errors.New("the registry denies it")
	// ErrUnreachable: the registry does not answer, or not as one does.
	ErrUnreachable = errors.New("the registry can't be reached")
	// ErrNoModule: what is there is no module in the layout that this package reads.
	ErrNoModule = errors.New("it is no WebAssembly module")
	// ErrTooLarge: it is larger than it may be.
	ErrTooLarge = errors.New("it is too large")
	// ErrTampered: the bytes do not have the digest, or the size, that they should have.
	ErrTampered = errors.New("it is not what was pushed")
	// ErrPlain: the registry has no TLS, and is not on this machine.
	ErrPlain = errors.New("the registry does not speak TLS")
)

// fault translates an error of the registry's client.
func fault(ctx context.Context, err error) error {
	var t *transport.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case isOurs(err):
		return err
	case !errors.As(err, &t):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch t.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (%d %s)", ErrDenied, t.StatusCode, http.StatusText(t.StatusCode))
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w for the registry (413)", ErrTooLarge)
	}
	return fmt.Errorf("%w: it answers %w", ErrUnreachable, err)
}

func isOurs(err error) bool {
	for _, known := range []error{ErrPlain, ErrTooLarge, ErrTampered, ErrNoModule} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
