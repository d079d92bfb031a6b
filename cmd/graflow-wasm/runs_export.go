package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newRunsExport(std streams, where *placeFlags) *cobra.Command {
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
	cmd.Flags().StringVar(&out, "out", "", "the `FILE` to write, whole or not at all; - is stdout, as is the default")
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
			if out == "" || out == "-" {
				_, err = std.out.Write(doc)
				return err
			}
			return writeWhole(out, doc)
		})
	}
	return cmd
}

// writeWhole gives a file its content, or leaves it as it was, whatever happens
// meanwhile. A link stays one, and so does what is no regular file.
func writeWhole(name string, data []byte) error {
	if at, err := filepath.EvalSymlinks(name); err == nil {
		name = at
	}
	mode := fs.FileMode(0o600)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case info.IsDir():
		return usagef("write %s: it is a directory; name a file", name)
	case !info.Mode().IsRegular():
		return writeThrough(name, data)
	default:
		mode = info.Mode().Perm()
		if mode&0o200 == 0 {
			return fmt.Errorf("write %s: %w: it is read-only", name, fs.ErrPermission)
		}
	}
	if err := replace(name, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// writeThrough writes to a pipe, a device or the like.
func writeThrough(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// replace puts a new file in place of one of that name.
func replace(name string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			return path.Err // its name is nobody's concern
		}
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
