package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// moduleRegistry is the registry of modules: over the bus, or through a server.
type moduleRegistry interface {
	Modules(ctx context.Context) ([]natsbus.ModuleRecord, error)
	Module(ctx context.Context, ref string) (natsbus.ModuleRecord, error)
	OpenModule(ctx context.Context, digest string) (io.ReadCloser, error)
	PutModule(ctx context.Context, r natsbus.ModuleRecord, code io.Reader) (natsbus.ModuleRecord, error)
	RemoveModule(ctx context.Context, ref string) error
}

var (
	_ moduleRegistry = (*natsbus.Bus)(nil)
	_ moduleRegistry = remoteModules{}
)

// remoteModules is the registry of a server's cluster.
type remoteModules struct{ service ops.Modules }

// Modules implements moduleRegistry.
func (r remoteModules) Modules(ctx context.Context) ([]natsbus.ModuleRecord, error) {
	all, err := r.service.List(ctx, true)
	if err != nil {
		return nil, err
	}
	records := make([]natsbus.ModuleRecord, 0, len(all))
	for _, m := range all {
		one, err := recordOf(m)
		if err != nil {
			return nil, err
		}
		records = append(records, one)
	}
	return records, nil
}

// Module implements moduleRegistry.
func (r remoteModules) Module(ctx context.Context, ref string) (natsbus.ModuleRecord, error) {
	m, err := r.service.Show(ctx, ref)
	if err != nil {
		return natsbus.ModuleRecord{}, err
	}
	return recordOf(m)
}

// OpenModule implements moduleRegistry.
func (r remoteModules) OpenModule(ctx context.Context, digest string) (io.ReadCloser, error) {
	return r.service.Open(ctx, digest)
}

// PutModule implements moduleRegistry.
func (r remoteModules) PutModule(ctx context.Context, record natsbus.ModuleRecord, code io.Reader) (natsbus.ModuleRecord, error) {
	data, err := io.ReadAll(code)
	if err != nil {
		return record, err
	}
	m, err := r.service.Push(ctx, ops.ModulePush{
		Name: record.Name, Version: record.Version, Signer: record.SignerKey, Signature: record.Signature, Local: record.Name == localName,
	}, data)
	switch {
	case errors.Is(err, ops.ErrTaken):
		return record, fmt.Errorf("%w: %w", natsbus.ErrVersionTaken, err)
	case err != nil:
		return record, err
	}
	return recordOf(m)
}

// RemoveModule implements moduleRegistry.
func (r remoteModules) RemoveModule(ctx context.Context, ref string) error {
	return r.service.Remove(ctx, ref)
}

// recordOf is a module as the bus has it, with its signature for who verifies it here.
func recordOf(m ops.Module) (natsbus.ModuleRecord, error) {
	r := natsbus.ModuleRecord{
		Name: m.Name, Version: m.Version, Digest: m.Digest, Size: m.Size, Pushed: m.Pushed, By: m.By, Signature: m.Signature,
	}
	key, err := keyOf(m.Signed)
	if err != nil {
		return r, fmt.Errorf("module %s@%s: the server tells a key that is none: %w", m.Name, m.Version, err)
	}
	if r.SignerKey = key; m.Forged && len(r.Signature) == 0 { // it is one for all who can't see it
		r.Signature = []byte{0}
	}
	about := cluster.About{ABI: m.ABI, Capabilities: m.Capabilities}
	for _, t := range m.Tasks {
		about.Tasks = append(about.Tasks, abi.TaskDescription{Name: t.Name, Doc: t.Doc, Input: t.Input, Output: t.Output})
	}
	r.Tasks, err = json.Marshal(about)
	return r, err
}

// keyOf reads a public key, "" being none.
func keyOf(text string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(text, publicKeyPrefix); ok {
		return base64.RawStdEncoding.DecodeString(rest)
	}
	return hex.DecodeString(text)
}

// withRegistry does something with the registry of modules. Errors begin with the deed.
func (c *clusterFlags) withRegistry(ctx context.Context, deed string, f func(moduleRegistry) error) error {
	return failed(deed, c.inRegistry(ctx, f))
}

// inRegistry is withRegistry for who names the deed.
func (c *clusterFlags) inRegistry(ctx context.Context, f func(moduleRegistry) error) error {
	remote, err := c.onServer()
	switch {
	case err != nil:
		return err
	case remote:
		return c.withServer(func(s ops.Service) error { return f(remoteModules{s.Modules}) })
	}
	bus, err := c.open(ctx, natsbus.Config{})
	if err != nil {
		return err
	}
	defer bus.Close()
	return f(bus)
}
