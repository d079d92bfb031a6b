package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/natsbus"
)

// registry is that of modules on a bus.
type registry struct{ bus *natsbus.Bus }

var (
	_ wasm.Registry = registry{}
	_ Registry      = registry{}
)

// WasmRegistry is a cluster's registry of modules, for who executes them.
func WasmRegistry(bus *natsbus.Bus) wasm.Registry { return registry{bus} }

// NewRegistry is a cluster's registry of modules, for who begins runs.
func NewRegistry(bus *natsbus.Bus) Registry { return registry{bus} }

// Resolve implements wasm.Registry.
func (r registry) Resolve(ctx context.Context, ref string) (digest string, err error) {
	record, err := r.bus.Module(ctx, ref)
	return record.Digest, registryFault(err)
}

// Open implements wasm.Registry.
func (r registry) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	code, err := r.bus.OpenModule(ctx, digest)
	return code, registryFault(err)
}

// Digest implements Registry.
func (r registry) Digest(ctx context.Context, ref string) (string, error) { return r.Resolve(ctx, ref) }

// Keep implements Registry.
func (r registry) Keep(ctx context.Context, digest string, code []byte) error {
	_, err := r.bus.Module(ctx, digest)
	if errors.Is(err, engine.ErrNotFound) {
		record := natsbus.ModuleRecord{Name: natsbus.LocalModules, Version: strings.TrimPrefix(digest, "sha256:"), Digest: digest}
		_, err = r.bus.PutModule(ctx, record, bytes.NewReader(code))
	}
	return err
}

// Unable implements Registry.
func (registry) Unable(err error) bool {
	return errors.Is(err, natsbus.ErrUnreachable) || errors.Is(err, natsbus.ErrDenied)
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

// noFiles finds modules in the registry alone: who sends a flow may name any file.
type noFiles struct{ wasm.NoFiles }

// IsRegistered implements Files.
func (noFiles) IsRegistered(ref string) bool { return wasm.FormOf(ref) != wasm.FormPath }
