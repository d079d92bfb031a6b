package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/pflag"
)

// secretPrefix begins the names of environment variables that are secrets.
const secretPrefix = secrets.EnvPrefix

// Environment variables that say where secrets are.
const (
	secretsFileVariable       = "GRAFLOW_SECRETS_FILE"
	secretsIdentityVariable   = "GRAFLOW_SECRETS_IDENTITY"
	secretsPassphraseVariable = "GRAFLOW_SECRETS_PASSPHRASE"
)

// secretFlags say where secrets are.
type secretFlags struct{ file, identity string }

func (s *secretFlags) addTo(f *pflag.FlagSet) {
	f.StringVar(&s.file, "secrets-file", "", "the `FILE` of secrets, sealed with age (default: $"+secretsFileVariable+", else graflow-wasm/secrets.age in the user's configuration directory)")
	f.StringVar(&s.identity, "identity", "", "the `FILE` with the age identity that opens it (default: $"+secretsIdentityVariable+", else identity.txt there); $"+secretsPassphraseVariable+" is a passphrase instead")
}

// given tells whether flags say where secrets are.
func (s *secretFlags) given() bool { return s.file != "" || s.identity != "" }

// open is the file of secrets, which need not exist.
func (s *secretFlags) open() (*secrets.File, error) {
	dir, err := os.UserConfigDir()
	place := func(flag, variable, name string) string {
		if flag == "" {
			flag = os.Getenv(variable)
		}
		if flag == "" && err == nil {
			flag = filepath.Join(dir, "graflow-wasm", name)
		}
		return flag
	}
	config := secrets.FileConfig{
		Path:       place(s.file, secretsFileVariable, "secrets.age"),
		Identity:   place(s.identity, secretsIdentityVariable, "identity.txt"),
		Passphrase: os.Getenv(secretsPassphraseVariable),
	}
	if config.Path == "" || config.Identity == "" && config.Passphrase == "" {
		return nil, usagef("find the file of secrets: %w; give --secrets-file and --identity", err)
	}
	return secrets.NewFile(config)
}

// store is all secrets: those of the environment, then those of the file.
func (s *secretFlags) store() (secrets.Store, error) {
	file, err := s.open()
	if err != nil && s.file == "" && os.Getenv(secretsFileVariable) == "" {
		return secrets.Env{}, nil // a user without a home may still have an environment
	}
	if err != nil {
		return nil, err
	}
	return secrets.Chain(secrets.Env{}, file), nil
}

// checkSecrets wants all secrets of a command line to have names that they can
// have. Whether they are there is for [checkGranted] to say.
func checkSecrets(names []string) error {
	for _, name := range names {
		if err := secrets.CheckName(name); err != nil {
			return usagef("--secret: %w", err)
		}
	}
	return nil
}

// checkGranted wants the secrets of a command line to be there.
func checkGranted(ctx context.Context, store secrets.Store, names []string) error {
	_, err := secrets.Collect(ctx, store, names...)
	var missing *secrets.Missing
	if errors.As(err, &missing) {
		name := missing.Names[0]
		return usagef("--secret: %w; store it with `graflow-wasm secrets set %s`, or set %s", err, name, secrets.Env{}.Variable(name))
	}
	if err != nil {
		return fmt.Errorf("--secret: %w", err)
	}
	return nil
}

// guestSecrets answers guests from a store.
type guestSecrets struct{ store secrets.Store }

var _ wasmhost.Secrets = guestSecrets{}

// Secret implements wasmhost.Secrets.
func (g guestSecrets) Secret(ctx context.Context, name string) ([]byte, error) {
	value, err := g.store.Secret(ctx, name)
	if errors.Is(err, secrets.ErrNotFound) {
		return nil, abi.NotFound
	}
	return value, err
}

func newRedactor(values [][]byte) wasm.Redactor { return secrets.NewRedactor(values) }
