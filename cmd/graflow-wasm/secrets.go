package main

import (
	"context"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// secretPrefix begins the names of environment variables that are secrets.
const secretPrefix = "GRAFLOW_SECRET_"

// envSecrets finds secrets in the environment: "api-key" in
// GRAFLOW_SECRET_API_KEY. Only variables with the prefix can be read so.
type envSecrets struct{}

var _ wasmhost.Secrets = envSecrets{}

// Secret implements wasmhost.Secrets.
func (envSecrets) Secret(_ context.Context, name string) ([]byte, error) {
	if value, set := os.LookupEnv(secretVariable(name)); set {
		return []byte(value), nil
	}
	return nil, abi.NotFound
}

// secretVariable is where a secret's value is: its name in upper case, with "_"
// for "-".
func secretVariable(name string) string {
	return secretPrefix + strings.ReplaceAll(strings.ToUpper(name), "-", "_")
}

// checkSecrets wants all secrets of a command line to be there.
func checkSecrets(names []string) error {
	for _, name := range names {
		if _, set := os.LookupEnv(secretVariable(name)); !set || name == "" {
			return usagef("--secret %q: the environment variable %s is not set", name, secretVariable(name))
		}
	}
	return nil
}
