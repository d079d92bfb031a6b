package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newModule(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:   "module",
		Short: "Look into modules, and keep them in a cluster's registry",
		Long: `A cluster has a registry of modules: by name and version for people, by the digest
of their bytes for all else. A flow names one as NAME, which is the version pushed
last, as NAME@VERSION or as sha256:…; a run pins what they mean when it begins.`,
		Example: `  graflow-wasm module show guest.wasm
  graflow-wasm module keygen release.key
  graflow-wasm module push ./guest --name hello --version 1.0 --sign release.key --nats ./srv
  graflow-wasm run hello@1.0#greet --nats ./srv`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "the registry of the cluster at `URL`, or of the server in a directory", "the registry of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(newModuleShow(std, &where), newModulePush(std, &where), newModuleLs(std, &where),
		newModulePull(std, &where), newModuleRm(std, &where), newModuleVerify(std, &where), newModuleKeygen(std), newModuleQuarantine(std))
	return cmd
}

// about is what a record keeps; empty if that can't be read.
func about(r natsbus.ModuleRecord) cluster.About {
	var a cluster.About
	_ = json.Unmarshal(r.Tasks, &a) // one that came with a run has nothing
	return a
}

// fullName is how a flow names a record.
func fullName(r natsbus.ModuleRecord) string { return oneLine(r.Name + "@" + r.Version) }

// moduleIn is a record of the registry.
func moduleIn(ctx context.Context, bus moduleRegistry, ref string) (natsbus.ModuleRecord, error) {
	r, err := bus.Module(ctx, ref)
	return r, noSuchModule(ref, err)
}

// noSuchModule says what to do where there is none.
func noSuchModule(ref string, err error) error {
	switch {
	case err == nil, ofServer(err) && !errors.Is(err, engine.ErrNotFound), errors.Is(err, natsbus.ErrUnreachable), errors.Is(err, natsbus.ErrDenied), errors.Is(err, natsbus.ErrTampered), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, engine.ErrNotFound):
		return usagef("the registry has no module %q; `graflow-wasm module ls` lists those that there are", ref)
	}
	return usage(fmt.Errorf("%w; `graflow-wasm module ls` lists those that there are", onlyFault(err)))
}
