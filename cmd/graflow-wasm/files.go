package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/graflow/graflow-wasm/engine"
)

// fileSource has the files that the tasks of runs have left.
type fileSource interface {
	OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error)
}

var _ fileSource = (*engine.Engine)(nil)

// keptFile is a file of a run, as it is printed.
type keptFile struct {
	engine.TaskFile

	Saved string `json:"saved,omitempty"` // where it was saved; "" if it was not
}

// filesOf are the files of a run that were saved nowhere.
func filesOf(all []engine.TaskFile) []keptFile {
	files := make([]keptFile, 0, len(all))
	for _, f := range all {
		files = append(files, keptFile{TaskFile: f})
	}
	return files
}

// saveFiles saves the files of a run below a directory, made if it is not there: as
// TASK/NAME, or ACTIVATION/NAME where a task has left two of that name. Each is there
// whole, or not at all. What can't be saved does not keep the others from it.
func saveFiles(ctx context.Context, from fileSource, run, dir string, all []engine.TaskFile) ([]keptFile, error) {
	files := filesOf(all)
	if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // the user's umask decides
		return files, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return files, err
	}
	var errs []error
	folders := foldersOf(all)
	for i, f := range all {
		name := path.Join(folders[i], f.Name)
		if err := saveFile(ctx, root, from, run, name, f); err != nil {
			errs = append(errs, fmt.Errorf("save %s of task %s: %w", oneLine(f.Name), f.Task, err))
			continue
		}
		files[i].Saved = filepath.Join(dir, filepath.FromSlash(name))
	}
	return files, errors.Join(append(errs, root.Close())...)
}

// foldersOf are the directories of files: that of their task, or of their activation
// if another of the task has left a file of the same name.
func foldersOf(all []engine.TaskFile) []string {
	type place struct{ task, name string }
	by, twice := map[place]string{}, map[string]bool{}
	for _, f := range all {
		at := place{f.Task, f.Name}
		if other, ok := by[at]; ok && other != f.Activation {
			twice[f.Task] = true
		}
		by[at] = f.Activation
	}
	folders := make([]string, len(all))
	for i, f := range all {
		if folders[i] = f.Task; twice[f.Task] {
			folders[i] = f.Activation
		}
	}
	return folders
}

// saveFile saves one file below root, out of which no name and no link leads.
func saveFile(ctx context.Context, root *os.Root, from fileSource, run, name string, f engine.TaskFile) error {
	if local := filepath.FromSlash(f.Name); !filepath.IsLocal(local) || printable(f.Name) != f.Name {
		return errors.New("its name is none that a file could have here")
	}
	content, err := from.OpenFile(ctx, run, f.Digest)
	if err != nil {
		return err
	}
	defer content.Close() // it was read only
	name = filepath.FromSlash(name)
	if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is there, and is no regular file", name)
	}
	part := filepath.Join(filepath.Dir(name), ".part-"+f.Digest[max(0, len(f.Digest)-16):])
	if err = writeFile(root, part, content, f.Digest); err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(part)))
	}
	return nil
}

// writeFile writes what has that digest.
func writeFile(root *os.Root, name string, content io.Reader, digest string) error {
	if err := ignoreMissing(root.Remove(name)); err != nil { // of a process that was killed
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), content)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != digest {
		return fmt.Errorf("what was read is not it: its digest is %s, want %s; try again", got, digest)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// checkFilesDir refuses what can't be a directory, before anything is begun.
func checkFilesDir(flag, dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return usagef("%s %s: it is a file; name a directory", flag, dir)
	}
	return nil
}

// saved saves the files of a job's run, if they are asked for.
func (s *session) saved(ctx context.Context, std streams, j job, o engine.Outcome) ([]keptFile, error) {
	dir := j.flags.filesDir
	if dir == "" {
		return filesOf(o.Files), nil
	}
	files, err := saveFiles(ctx, s.desk, j.run, dir, o.Files)
	if err != nil {
		return files, fmt.Errorf("%s: %w", j.deed, err)
	}
	if !j.flags.quiet {
		fmt.Fprintf(std.err, "graflow-wasm: %s saved in %s\n", countOf(len(files), "file", "files"), dir)
	}
	return files, nil
}
