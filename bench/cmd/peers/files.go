package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/bench/internal/record"
)

// files are the records of a run until it's done: one that is interrupted leaves those
// of the last as they are.
type files struct {
	dir     string
	machine record.Machine
	of      map[string]*bytes.Buffer // by part
}

func newFiles(ctx context.Context, dir, command string) (*files, error) {
	machine, err := record.Here(ctx, command, os.TempDir())
	return &files{dir: dir, machine: machine, of: map[string]*bytes.Buffer{}}, err
}

// part is where the records of a part go. They begin with the machine, but for those of
// a program that tells it itself.
func (f *files) part(name string) (record.Writer, error) {
	if f.of[name] == nil {
		f.of[name] = new(bytes.Buffer)
		if name != "temporal" {
			if err := (record.Writer{To: f.of[name]}).Write(record.Line{Machine: &f.machine}); err != nil {
				return record.Writer{}, err
			}
		}
	}
	return record.Writer{To: f.of[name]}, nil
}

// done writes them all.
func (f *files) done() error {
	if f.dir == "" {
		return nil
	}
	err := os.MkdirAll(f.dir, 0o755)
	for name, lines := range f.of {
		err = errors.Join(err, os.WriteFile(filepath.Join(f.dir, name+".txt"), lines.Bytes(), 0o644))
	}
	return err
}
