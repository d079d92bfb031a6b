package flowfile

import (
	"os"
	"path/filepath"
	"strings"
)

// Absolute returns the same flow with every path in it absolute: modules,
// mounts, what may be spawned, also in sub-flows. A run of it finds its files
// from any working directory. Errors name the file as before.
//
// A module without the form of a path, as guest in guest#hello, is taken for one
// if the working directory has a file of that name: that is where it would be
// looked for. Absolute reads the sub-flows' files again.
func (f *File) Absolute() (*File, error) {
	from := f.from
	from.absolute = true
	return parse(f.Name, f.Source, from)
}

// dir is the directory that the paths of the file of that name are relative to.
func (l origin) dir(name string) (string, error) {
	if l.absolute {
		return filepath.Abs(filepath.Dir(name))
	}
	return filepath.Dir(name), nil
}

// resolve is a reference to a module: a path, joined to the file's directory, or
// the name or digest of a module.
func (f *File) resolve(ref string) string {
	isPath := strings.HasPrefix(ref, "./") || strings.HasPrefix(ref, "../") || ref == "." || ref == ".." ||
		strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".wasm")
	switch {
	case isPath:
		return f.path(ref)
	case f.from.absolute && ref != "" && !strings.HasPrefix(ref, "sha256:") && !strings.Contains(ref, "@"):
		if _, err := os.Stat(ref); err == nil {
			return absolute(ref)
		}
	}
	return ref
}

// path joins a path to the file's directory.
func (f *File) path(path string) string { return relative(f.Dir, path) }

// relative joins a path to dir. The result is still seen to be a path.
func relative(dir, path string) string {
	if dir == "." || dir == "" || filepath.IsAbs(path) {
		return path
	}
	joined := filepath.Join(dir, path)
	if !filepath.IsAbs(joined) && !strings.HasPrefix(joined, "..") {
		joined = "./" + joined
	}
	return joined
}

// absolute is path from the root, as far as that can be told.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// module resolves a short name, or a path.
func (r *reader) module(ref string) string {
	if m, ok := r.file.Modules[ref]; ok {
		return m
	}
	return r.file.resolve(ref)
}
