package secrets

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// EnvPrefix begins the names of environment variables that are secrets.
const EnvPrefix = "GRAFLOW_SECRET_"

// Env finds secrets in environment variables whose names begin with Prefix: the
// secret "api-key" in GRAFLOW_SECRET_API_KEY.
type Env struct {
	// Prefix is put in front of a secret's name. "": EnvPrefix.
	Prefix string
}

var _ Store = Env{}

// Secret implements Store.
func (e Env) Secret(_ context.Context, name string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	value, set := os.LookupEnv(e.Variable(name))
	if !set {
		return nil, fmt.Errorf("secret %q: %w: the environment variable %s is not set", name, ErrNotFound, e.Variable(name))
	}
	return []byte(value), checkValue(name, []byte(value))
}

// Variable is where a secret is looked for: its name in upper case, "_" for "-",
// after the prefix. Names that differ only in these share a variable.
func (e Env) Variable(name string) string {
	return e.prefix() + strings.ReplaceAll(strings.ToUpper(name), "-", "_")
}

// Names lists the secrets of the environment, sorted, as their variables spell
// them: API_KEY, which is also the secret api-key.
func (e Env) Names() []string {
	var names []string
	for _, entry := range os.Environ() {
		variable, _, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(variable, e.prefix())
		if ok && CheckName(name) == nil && e.Variable(name) == variable {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (e Env) prefix() string {
	if e.Prefix == "" {
		return EnvPrefix
	}
	return e.Prefix
}
