package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newRunsExport(std streams, where *stateFlags) *cobra.Command {
	var out string
	var point pointFlags
	cmd := &cobra.Command{
		Use:   "export RUN",
		Short: "Write a checkpoint of a run as one JSON document",
		Long: `Export writes all that a run is at a checkpoint: its graph, its state, its channel,
the digests of its modules; no code. runs resume FILE.json goes on from it, also in
another state directory, where the modules are.`,
		Example: "  graflow-wasm runs export deploy-7 --checkpoint built --out built.json",
		Args:    runArguments(cobra.ExactArgs(1)),
	}
	point.addTo(cmd)
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, whole or not at all (default: stdout)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		at, err := point.name()
		if err != nil {
			return err
		}
		return withRuns(cmd.Context(), where, "export", func(r runs) error {
			doc, err := r.Export(cmd.Context(), args[0], at)
			if err != nil {
				return err
			}
			if out == "" {
				_, err = std.out.Write(doc)
				return err
			}
			return writeWhole(out, doc)
		})
	}
	return cmd
}

// writeWhole gives a file its content, or leaves it as it was, whatever happens
// meanwhile.
func writeWhole(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(f.Name()))
	}
	return nil
}
