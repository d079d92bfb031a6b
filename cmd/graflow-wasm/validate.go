package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newValidate(std streams) *cobra.Command {
	var cacheDir string
	var containers dockerFlags
	var allowed policyFlags
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check flow files without running them",
		Long: `Validate checks flow files, the modules that they name included, and tells all
that is wrong with each, with file, line and column; of what --policy refuses it names
the policy's key.`,
		Example: `  graflow-wasm validate *.flow.yaml
  graflow-wasm validate deploy.flow.yaml --policy workers.policy.yaml`,
		Args: arguments(cobra.MinimumNArgs(1)),
	}
	cmd.Flags().StringVar(&cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	allowed.addTo(cmd.Flags(), boundsOfOperator)
	containers.addTo(cmd.Flags(), policyOfOperator)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := containers.read(); err != nil {
			return err
		}
		b, err := allowed.own(&containers)
		if err != nil {
			return err
		}
		c := wiringConfig{cacheDir: cacheDir, docker: containers, bounds: b}
		var faults []error
		for _, name := range args {
			if err := validate(cmd.Context(), name, c); err != nil {
				faults = append(faults, err)
				continue
			}
			fmt.Fprintf(std.out, "%s: valid\n", name)
		}
		return usage(errors.Join(faults...))
	}
	return cmd
}

func validate(ctx context.Context, name string, c wiringConfig) error {
	f, err := loadFlow(name, false)
	if err != nil {
		return err
	}
	c.flowDir = filepath.Dir(name)
	w, err := newWiring(ctx, c)
	if err != nil {
		return fmt.Errorf("validate %s: %w", name, err)
	}
	defer w.Close() //nolint:contextcheck // closing has no context to end by
	if err := w.engine.Check(ctx, f.graph); err != nil {
		return f.locate(name, err)
	}
	return nil
}
