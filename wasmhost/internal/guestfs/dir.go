package guestfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// What guests create is never executable, whatever they ask.
const (
	newFilePerm fs.FileMode = 0o644
	newDirPerm  fs.FileMode = 0o755
)

// dirTree is a directory of the machine behind os.Root.
type dirTree struct {
	root     *os.Root
	quota    *Quota
	writable bool
	entries  int // the most that ReadDir lists
}

var _ FS = (*dirTree)(nil)

// OpenDir opens a directory of the machine as a tree.
//
// Links that somebody else made are followed as long as they stay inside; one
// that leads out is EPERM. Guests can make no links, and open directories and
// regular files only. What is not writable answers EROFS to every change.
// Growth and new entries are charged to quota, which may be nil where nothing
// is written: then nothing may grow.
//
// Other programs may change the directory at any time; no such change lets a
// guest out. Filesystems mounted below dir belong to the tree.
func OpenDir(dir string, writable bool, quota *Quota) (FS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory for a guest: %w", err)
	}
	if quota == nil {
		quota = NewQuota(0)
	}
	return &dirTree{root: root, quota: quota, writable: writable, entries: maxDirEntries}, nil
}

func (d *dirTree) Close() error { return d.root.Close() }

// look is Stat of a path that has been taken apart.
func (d *dirTree) look(at location, follow bool) (Stat, Errno) {
	ask := d.root.Lstat
	if follow || at.dir {
		ask = d.root.Stat
	}
	info, err := ask(at.String())
	if err != nil {
		return Stat{}, fromHost(err)
	}
	st := statOf(info)
	if at.dir && st.Type != TypeDirectory {
		return Stat{}, ENOTDIR
	}
	d.identify(at, &st)
	return st, OK
}

func (d *dirTree) Stat(path string, follow bool) (Stat, Errno) {
	at, e := locate(path)
	if e != OK {
		return Stat{}, e
	}
	return d.look(at, follow)
}

// lookEntry is look for what is to be changed itself, not what it points to.
func (d *dirTree) lookEntry(at location) (Stat, Errno) {
	st, e := d.look(location{parts: at.parts}, false)
	if e == OK && at.dir && st.Type != TypeDirectory {
		return st, ENOTDIR
	}
	return st, e
}

// lookParent checks that the directory is there in which something is to be
// made, before that is charged.
func (d *dirTree) lookParent(at location) Errno {
	parent, _, ok := at.entry()
	if !ok {
		return ENOENT
	}
	_, e := d.look(parent, true)
	return e
}

func (d *dirTree) Mkdir(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	if _, e := d.look(location{parts: at.parts}, false); e != ENOENT {
		return orElse(e, EEXIST)
	}
	if e := d.lookParent(at); e != OK {
		return e
	}
	if !d.writable {
		return EROFS
	}
	return d.charged(EntryBytes, func() error { return d.root.Mkdir(at.String(), newDirPerm) })
}

// orElse is e, or what it means here that there was no error.
func orElse(e, otherwise Errno) Errno {
	if e == OK {
		return otherwise
	}
	return e
}

// charged charges n bytes for what do does, and nothing if it fails.
func (d *dirTree) charged(n int64, do func() error) Errno {
	if e := d.quota.Charge(n); e != OK {
		return e
	}
	if err := do(); err != nil {
		d.quota.Release(n)
		return fromHost(err)
	}
	return OK
}

func (d *dirTree) Rmdir(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	if _, _, ok := at.entry(); !ok {
		return EINVAL
	}
	return d.remove(at, func(is FileType) Errno {
		if is != TypeDirectory {
			return ENOTDIR
		}
		return OK
	})
}

func (d *dirTree) Unlink(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	return d.remove(at, func(is FileType) Errno {
		if is == TypeDirectory {
			return EISDIR
		}
		return OK
	})
}

// remove removes a path if it is what it should be.
func (d *dirTree) remove(at location, check func(FileType) Errno) Errno {
	st, e := d.lookEntry(at)
	if e != OK {
		return e
	}
	if e := check(st.Type); e != OK {
		return e
	}
	if !d.writable {
		return EROFS
	}
	return fromHost(d.root.Remove(at.String()))
}

func (d *dirTree) Rename(from, to string) Errno {
	source, e := locate(from)
	if e != OK {
		return e
	}
	target, e := locate(to)
	if e != OK {
		return e
	}
	_, _, ok := source.entry()
	if _, _, ok2 := target.entry(); !ok || !ok2 {
		return EBUSY
	}
	st, e := d.lookEntry(source)
	switch {
	case e != OK:
		return e
	case target.dir && st.Type != TypeDirectory:
		return ENOTDIR
	case !d.writable:
		return EROFS
	}
	return d.rename(source, target, st.Type)
}

// Readlink refuses absolute targets: they lead nowhere for a guest, and tell
// of the machine.
func (d *dirTree) Readlink(path string) (string, Errno) {
	at, e := locate(path)
	if e != OK {
		return "", e
	}
	st, e := d.lookEntry(at)
	if e != OK {
		return "", e
	}
	if st.Type != TypeLink {
		return "", EINVAL
	}
	target, err := d.root.Readlink(at.String())
	if filepath.IsAbs(target) || strings.HasPrefix(target, "/") {
		return "", EPERM
	}
	return filepath.ToSlash(target), fromHost(err)
}

// SetTimes leaves links alone: ENOTSUP.
func (d *dirTree) SetTimes(path string, follow bool, access, modify *time.Time) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	st, e := d.look(at, follow)
	switch {
	case e != OK:
		return e
	case !d.writable:
		return EROFS
	case st.Type == TypeLink:
		return ENOTSUP
	}
	return fromHost(d.root.Chtimes(at.String(), orZero(access), orZero(modify)))
}

// orZero is how package os leaves a time as it is.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
