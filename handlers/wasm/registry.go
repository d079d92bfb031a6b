package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Registry keeps modules by name, version and digest. It is called concurrently.
// Its errors are about one module if they wrap ErrNoModule or ErrTampered; others
// count as passing, and a task that fails with one may be tried again.
type Registry interface {
	// Resolve returns the digest, "sha256:…", of what a name or a name@version
	// stands for now.
	Resolve(ctx context.Context, ref string) (digest string, err error)
	// Open reads the module with a digest. Its bytes are compared with that by
	// who reads them.
	Open(ctx context.Context, digest string) (io.ReadCloser, error)
}

// Errors about a module of a registry.
var (
	// ErrNoModule is a reference that no module of the registry has.
	ErrNoModule = errors.New("the registry has no such module")
	// ErrTampered is a module whose bytes are not those of its digest. It is
	// refused.
	ErrTampered = errors.New("the module was tampered with")
)

// KindTampered is the kind of the error of a task whose module was tampered with.
const KindTampered = "tampered"

// Form is what a reference to a module is by how it is written.
type Form int

// Forms of references. The first that fits is a reference's.
const (
	// FormDigest begins with "sha256:".
	FormDigest Form = iota
	// FormPath has a separator of paths in it, or ends in ".wasm", or is "." or "..".
	FormPath
	// FormVersion has an "@" in it: it is the name@version of a registry.
	FormVersion
	// FormWord is any other: the file or directory of that name, if there is one
	// where modules are looked for, else the name of a module in a registry.
	FormWord
)

const digestPrefix = "sha256:"

// FormOf tells the form of a reference.
func FormOf(ref string) Form {
	switch {
	case strings.HasPrefix(ref, digestPrefix):
		return FormDigest
	case strings.ContainsAny(ref, `/\`), strings.HasSuffix(ref, ".wasm"), ref == ".", ref == "..":
		return FormPath
	case strings.Contains(ref, "@"):
		return FormVersion
	}
	return FormWord
}

// NoFiles takes the place of [Files] where modules come from a registry alone.
type NoFiles struct{}

var _ Modules = NoFiles{}

// Load implements Modules. It fails.
func (NoFiles) Load(_ context.Context, ref string) (wasm []byte, name string, err error) {
	return nil, ref, errors.New("it is a file of somebody else's: this process takes modules from the registry alone, by name, name@version or sha256:…; push it there")
}

// Has tells that there is no file.
func (NoFiles) Has(string) bool { return false }

// errNoRegistry is a reference that only a registry could answer.
var errNoRegistry = errors.New("it is one of a registry, and there is none here: a cluster has one")

// registered tells whether a reference is one of the registry.
func (h *Handler) registered(ref string) bool {
	switch FormOf(ref) {
	case FormDigest, FormVersion:
		return true
	case FormPath:
		return false
	}
	files, ok := h.config.Modules.(interface{ Has(ref string) bool })
	return h.config.Registry != nil && ok && !files.Has(ref)
}

// key is what a reference is cached under: a digest, if it is one of the registry.
func (h *Handler) key(ctx context.Context, ref string) (key string, registered bool, err error) {
	if !h.registered(ref) {
		return ref, false, nil
	}
	if FormOf(ref) == FormDigest {
		return ref, true, checkDigest(ref)
	}
	if h.config.Registry == nil {
		return "", true, errNoRegistry
	}
	digest, err := h.config.Registry.Resolve(ctx, ref)
	switch {
	case err == nil:
		err = checkDigest(digest)
	case errors.Is(err, ErrNoModule) && FormOf(ref) == FormWord:
		err = fmt.Errorf("there is no file or directory of that name, and %w", err)
	}
	return digest, true, foreign(err)
}

func checkDigest(digest string) error {
	text := strings.TrimPrefix(digest, digestPrefix)
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != sha256.Size || strings.ToLower(text) != text {
		return fmt.Errorf("%q is no digest: want sha256: and 64 hex digits in lower case", digest)
	}
	return nil
}

// fetch reads a module of the registry, and refuses one that has another digest.
func (h *Handler) fetch(ctx context.Context, digest string) ([]byte, error) {
	if h.config.Registry == nil {
		return nil, errNoRegistry
	}
	r, err := h.config.Registry.Open(ctx, digest)
	if err != nil {
		return nil, foreign(err)
	}
	defer func() { _ = r.Close() }() // all was read
	wasm, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, foreign(err)
	}
	sum := sha256.Sum256(wasm)
	if got := digestPrefix + hex.EncodeToString(sum[:]); got != digest {
		return nil, fmt.Errorf("%w: its digest is %s", ErrTampered, got)
	}
	return wasm, nil
}

// registryError is an error of the registry, not of a module in it.
type registryError struct{ cause error }

func (e *registryError) Error() string { return "ask the registry: " + e.cause.Error() }
func (e *registryError) Unwrap() error { return e.cause }

// foreign marks what may be otherwise at the next attempt.
func foreign(err error) error {
	if err == nil || errors.Is(err, ErrNoModule) || errors.Is(err, ErrTampered) {
		return err
	}
	return &registryError{cause: err}
}
