package main

import (
	"context"
	"errors"

	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

// withService does something with all that can be asked of a cluster, over the bus or
// through a server. Errors begin with the deed.
func (c *clusterFlags) withService(ctx context.Context, deed string, f func(ops.Service) error) error {
	remote, err := c.onServer()
	switch {
	case err != nil:
		return err
	case remote:
		return failed(deed, c.withServer(f))
	}
	return c.with(ctx, deed, func(bus *natsbus.Bus) error { return refused(busService(ctx, bus, f)) })
}

// busService does something with what this process can do itself on the cluster that a
// bus is of. It checks flows as those do who execute them.
func busService(ctx context.Context, bus *natsbus.Bus, f func(ops.Service) error) error {
	if err := (&session{bus: bus}).answers(ctx); err != nil {
		return err
	}
	cacheDir, err := cacheDirectory("")
	if err != nil {
		return err
	}
	far := newFarWasm(cacheDir, cluster.WasmRegistry(bus))
	defer far.Close() //nolint:contextcheck // closing has no context to end by
	handlers, err := handlersWith(far, farContainers{modules: far}, scripts.Elsewhere{})
	if err != nil {
		return err
	}
	all, err := cluster.New(cluster.Config{Bus: bus, Handlers: handlers, Version: thisBuild().Version, Namespace: bus.Namespace()})
	if err != nil {
		return err
	}
	return errors.Join(f(all.Service()), all.Close()) //nolint:contextcheck // likewise
}
