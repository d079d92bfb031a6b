package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/script"
)

// maxExecFile is the largest file that code is given, in bytes.
const maxExecFile = 256 << 20

// readFiles reads what the code finds below /in.
func readFiles(texts []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, text := range texts {
		name, file, named := strings.Cut(text, "=")
		if !named {
			name, file = filepath.Base(text), text
		}
		if clean := path.Clean(name); name == "" || clean != name || path.IsAbs(name) || name == "." || !filepath.IsLocal(filepath.FromSlash(name)) {
			return nil, usagef("exec: --file %q: want NAME=PATH, NAME a path below /in as data/a.csv", text)
		}
		if _, twice := files[name]; twice {
			return nil, usagef("exec: --file %q: there is another /in/%s; give it another name, as other=%s", text, name, file)
		}
		data, err := readAtMost(file, maxExecFile+1)
		if err != nil {
			return nil, usagef("exec: --file %s: %w", text, err)
		}
		if len(data) > maxExecFile {
			return nil, usagef("exec: --file %s: it has more than %d bytes; show its directory to the code: --mount DIR:/data", text, maxExecFile)
		}
		files[name] = data
	}
	return files, nil
}

// execFile is a file that code left below /out.
type execFile struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Saved string `json:"saved,omitempty"` // where; "" if it was not
}

// save saves the files below --out, each whole or not at all. No name and no link leads
// out of it.
func (o *execOptions) save(files []script.File) ([]execFile, error) {
	all := make([]execFile, 0, len(files))
	for _, f := range files {
		all = append(all, execFile{Name: f.Name, Size: int64(len(f.Data))})
	}
	if o.out == "" {
		return all, nil
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil { //nolint:gosec // the user's umask decides
		return all, err
	}
	root, err := os.OpenRoot(o.out)
	if err != nil {
		return all, err
	}
	var errs []error
	for i, f := range files {
		if err := saveData(root, f); err != nil {
			errs = append(errs, fmt.Errorf("save /out/%s: %w", oneLine(f.Name), err))
			continue
		}
		all[i].Saved = filepath.Join(o.out, filepath.FromSlash(f.Name))
	}
	return all, errors.Join(append(errs, root.Close())...)
}

func saveData(root *os.Root, f script.File) error {
	name := filepath.FromSlash(f.Name)
	if !filepath.IsLocal(name) || printable(f.Name) != f.Name {
		return errors.New("its name is none that a file could have here")
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is there, and is no regular file", name)
	}
	sum := sha256.Sum256(f.Data)
	digest := hex.EncodeToString(sum[:])
	part := filepath.Join(filepath.Dir(name), ".part-"+digest[:16])
	err := writeFile(root, part, bytes.NewReader(f.Data), "sha256:"+digest)
	if err == nil {
		err = root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(part)))
	}
	return nil
}

// script is what the flags give the code.
func (o *execOptions) script(std streams) (script.Options, error) {
	options := script.Options{Args: o.source.args, With: o.with, FilesOut: []string{"**"}}
	if o.source.file != "" {
		options.File = filepath.Base(o.source.file)
	}
	var err error
	if options.Limits, err = o.limits.limits(); err != nil {
		return options, err
	}
	options.Limits.Timeout = o.timeout
	if options.Grants, err = o.grants.grants(); err != nil {
		return options, err
	}
	if options.Files, err = readFiles(o.files); err != nil {
		return options, err
	}
	input, err := readInput(std.in, "input", o.input)
	if input != nil {
		options.Input = input
	}
	return options, err
}
