package guestfs

import (
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Put makes a file with a copy of content, and the directories on its way; a
// file that is there is replaced. The path is relative to the root, or begins
// with it. Errors wrap an [Errno]; what was made before one stays.
func (m *Memory) Put(path string, content []byte) error {
	f, err := m.create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // of memory: can't fail
	if _, e := f.Append(content); e != OK {
		return fmt.Errorf("put %q into a tree in memory: %w", path, e)
	}
	return nil
}

// Lend makes a file of content, as Put does, but without a copy: content must not
// change as long as the tree is used. What a guest changes of it is copied then.
func (m *Memory) Lend(path string, content []byte) error {
	f, err := m.create(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // of memory: can't fail
	if e := f.grow(int64(len(content))); e != OK {
		return fmt.Errorf("put %q into a tree in memory: %w", path, e)
	}
	f.node.content.lend(content)
	return nil
}

// create opens a new or emptied file for the owner.
func (m *Memory) create(path string) (*memoryFile, error) {
	path = strings.TrimPrefix(path, "/")
	if e := m.mkdirAll(dirOf(path)); e != OK {
		return nil, fmt.Errorf("make directories for %q in a tree in memory: %w", path, e)
	}
	f, e := m.Open(path, Write|Create|Truncate)
	if e != OK {
		return nil, fmt.Errorf("put %q into a tree in memory: %w", path, e)
	}
	return f.(*memoryFile), nil
}

func dirOf(path string) string { return path[:max(0, strings.LastIndexByte(path, '/'))] }

func (m *Memory) mkdirAll(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	for i := range at.parts {
		upTo := location{parts: at.parts[:i+1]}
		if e := m.Mkdir(upTo.String()); e != OK && e != EEXIST {
			return e
		}
	}
	return OK
}

// Files yields the path and a copy of the content of each file that want
// accepts by its path, in the order of a walk by name; nil accepts all. The tree
// must not change meanwhile. Left out is what a guest hid so deep, by moving
// directories, that no path leads there.
func (m *Memory) Files(want func(path string) bool) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) { m.root.each("", want, yield) }
}

func (n *node) each(path string, want func(string) bool, yield func(string, []byte) bool) bool {
	if len(path) > maxPathBytes {
		return true
	}
	if n.is != TypeDirectory {
		if want != nil && !want(path) {
			return true
		}
		content := make([]byte, n.content.size)
		n.content.readAt(content, 0)
		return yield(path, content)
	}
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		below := name
		if path != "" {
			below = path + "/" + name
		}
		if !n.children[name].each(below, want, yield) {
			return false
		}
	}
	return true
}

// CopyIn copies all directories and regular files of fsys into the tree, with
// their times where fsys tells them. Anything else in it is an error.
func (m *Memory) CopyIn(fsys fs.FS) error {
	return fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("copy into a tree in memory: %w", err)
		case entry.IsDir():
			if e := m.mkdirAll(path); e != OK {
				return fmt.Errorf("copy directory %q into a tree in memory: %w", path, e)
			}
			return nil
		case entry.Type().IsRegular():
			return m.copyFile(fsys, path)
		}
		return fmt.Errorf("copy %q into a tree in memory: it is neither a file nor a directory", path)
	})
}

func (m *Memory) copyFile(fsys fs.FS, path string) error {
	from, err := fsys.Open(path)
	if err != nil {
		return fmt.Errorf("copy into a tree in memory: %w", err)
	}
	defer func() { _ = from.Close() }()
	to, err := m.create(path)
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }()
	if _, err := io.Copy(appender{to}, from); err != nil {
		return fmt.Errorf("copy %q into a tree in memory: %w", path, err)
	}
	if info, err := from.Stat(); err == nil && !info.ModTime().IsZero() {
		at := info.ModTime()
		_ = to.SetTimes(&at, &at)
	}
	return nil
}

// appender is a File as an io.Writer.
type appender struct{ File }

func (a appender) Write(p []byte) (int, error) {
	n, e := a.Append(p)
	if e != OK {
		return n, e
	}
	return n, nil
}
