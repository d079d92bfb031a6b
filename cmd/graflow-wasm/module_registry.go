package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/natsbus"
)

// busModules is the registry of modules on a cluster.
type busModules struct{ bus *natsbus.Bus }

var _ wasm.Registry = busModules{}

// Resolve implements wasm.Registry.
func (r busModules) Resolve(ctx context.Context, ref string) (digest string, err error) {
	record, err := r.bus.Module(ctx, ref)
	return record.Digest, registryFault(err)
}

// Open implements wasm.Registry.
func (r busModules) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	code, err := r.bus.OpenModule(ctx, digest)
	return code, registryFault(err)
}

// registryFault tells the handler which errors are about a module.
func registryFault(err error) error {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return fmt.Errorf("%w; `graflow-wasm module ls` lists those that there are", wasm.ErrNoModule)
	case errors.Is(err, natsbus.ErrTampered):
		return fmt.Errorf("%w: %w", wasm.ErrTampered, err)
	}
	return err
}

var moduleNames = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// localName is the name of modules that came with a run.
const localName = natsbus.LocalModules

// checkModuleName refuses names by which nobody could find a module again.
func checkModuleName(name, version string) error {
	switch {
	case name == "":
		return usagef("--name is missing: how do flows call the module?")
	case !moduleNames.MatchString(name), strings.HasSuffix(name, ".wasm"):
		return usagef("--name %q: want letters, digits, -, _ and ., at most 128, and not .wasm at the end: that is a file", name)
	case name == localName:
		return usagef("--name %s: so are those called that came with a run; give another one", name)
	case version != "" && !moduleNames.MatchString(version):
		return usagef("--version %q: want letters, digits, -, _ and ., at most 128", version)
	}
	return nil
}

// isRegistered tells whether a reference is one of the registry, to a process that
// looks for files in its working directory.
func isRegistered(ref string) bool {
	switch wasm.FormOf(ref) {
	case wasm.FormDigest, wasm.FormVersion:
		return true
	case wasm.FormPath:
		return false
	}
	return !(&wasm.Files{}).Has(ref)
}
