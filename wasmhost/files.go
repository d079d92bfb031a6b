package wasmhost

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// fill puts the files of a mount into its tree, always in the same order: inodes
// are numbered by it.
func (a *attempt) fill(tree *guestfs.Memory, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := tree.Lend(name, files[name])
		switch {
		case errors.Is(err, guestfs.ENOSPC):
			return fmt.Errorf("file %q: there is no room in the limit of %d bytes on disk", name, a.opt.Limits.DiskBytes)
		case errors.Is(err, guestfs.EISDIR), errors.Is(err, guestfs.ENOTDIR):
			return fmt.Errorf("file %q: another file makes a directory of it, or the other way round", name)
		case errors.Is(err, guestfs.ENAMETOOLONG):
			return fmt.Errorf("file %q: want names of at most 255 bytes, and 4095 in all", name)
		case err != nil:
			return err
		}
	}
	return nil
}

func parsePatterns(texts []string) ([]guestfs.Pattern, error) {
	var all []guestfs.Pattern
	for _, text := range texts {
		p, err := guestfs.ParsePattern(text)
		if err != nil {
			return nil, fmt.Errorf("collect: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// files are those of the trees in memory that the caller asked for.
func (a *attempt) files() []File {
	if len(a.globs) == 0 {
		return nil
	}
	var found []File
	for i, t := range a.trees {
		tree, ok := t.FS.(*guestfs.Memory)
		if !ok {
			continue
		}
		below := strings.TrimSuffix(t.GuestPath, "/") + "/"
		want := func(path string) bool { return a.wants(i, below+path) }
		for path, content := range tree.Files(want) {
			found = append(found, File{Name: below + path, Data: content})
		}
	}
	slices.SortFunc(found, func(x, y File) int { return strings.Compare(x.Name, y.Name) })
	return found
}

// wants tells whether a guest path is to be collected and leads to the tree of that
// index. A mount hides what others have at its path; of two at one path the later
// one counts, as in wasi-libc.
func (a *attempt) wants(tree int, path string) bool {
	if !slices.ContainsFunc(a.globs, func(p guestfs.Pattern) bool { return p.Match(path) }) {
		return false
	}
	leads, longest := 0, -1
	for i, t := range a.trees {
		if n := len(t.GuestPath); n >= longest && mounted(t, path) {
			leads, longest = i, n
		}
	}
	return leads == tree
}

func mounted(t wasip1.Preopen, path string) bool {
	rest, below := strings.CutPrefix(path, strings.TrimSuffix(t.GuestPath, "/"))
	return below && (rest == "" || rest[0] == '/')
}
