package wasm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// maxFileBytes bounds what is read into memory; the host has a lower limit of
// its own.
const maxFileBytes = 1 << 30

// Files finds modules in the file system. A reference is the path of a .wasm
// file, or of a directory with the source of a Go guest (package main), which
// is built with `go build` each time it is loaded; the go command itself finds
// out whether anything changed. Files is safe for concurrent use.
type Files struct {
	// Dir is what relative paths are relative to. "": the working directory.
	Dir string
	// CacheDir keeps built guests, below guests/. "": graflow-wasm in the
	// user's cache directory.
	CacheDir string
}

var _ Modules = (*Files)(nil)

// Load implements Modules. The name is the reference.
func (f *Files) Load(ctx context.Context, ref string) (wasm []byte, name string, err error) {
	path, err := guest.Absolute(f.Dir, ref)
	if err != nil {
		return nil, ref, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ref, f.notFound(ref, path)
	case err != nil:
		return nil, ref, err
	case info.IsDir():
		wasm, err = f.build(ctx, path)
		return wasm, ref, err
	case !info.Mode().IsRegular():
		return nil, ref, fmt.Errorf("%s is neither a file nor a directory", path)
	case info.Size() > maxFileBytes:
		return nil, ref, fmt.Errorf("%s has %d bytes: more than a module may have", path, info.Size())
	}
	wasm, err = os.ReadFile(path)
	return wasm, ref, err
}

// Has tells whether there is a file or directory that a reference could be.
func (f *Files) Has(ref string) bool {
	path, err := guest.Absolute(f.Dir, ref)
	if err != nil {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

// notFound says where a module was looked for, and what lies near.
func (f *Files) notFound(ref, path string) error {
	text := "no such file: " + path
	if !filepath.IsAbs(filepath.FromSlash(ref)) {
		text += fmt.Sprintf(" (%q relative to %s)", ref, f.root())
	}
	if _, err := os.Stat(path + ".wasm"); err == nil {
		return fmt.Errorf("%s: did you mean %q?", text, ref+".wasm")
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("%s: the directory %s does not exist either", text, filepath.Dir(path))
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return errors.New(text + guest.DidYouMean(filepath.Base(path), names))
}

// root is Dir as an absolute path, for messages.
func (f *Files) root() string {
	dir, err := filepath.Abs(f.Dir)
	if err != nil {
		return f.Dir
	}
	return dir
}
