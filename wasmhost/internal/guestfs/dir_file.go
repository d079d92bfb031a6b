package guestfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDirEntries bounds what ReadDir of a directory of the machine lists.
const maxDirEntries = 100_000

// dirFile is an open file or directory of a dirTree.
type dirFile struct {
	file    *os.File
	tree    *dirTree
	is      FileType
	write   bool
	appends bool // the descriptor is in the mode that appends
}

var _ File = (*dirFile)(nil)

// Open opens what the path leads to, and looks again at what it got: between
// the first look and the opening somebody may have put something else there.
// A pipe that gets in so is opened without waiting, and closed.
func (d *dirTree) Open(path string, flags OpenFlags) (File, Errno) {
	at, e := locate(path)
	if e != OK {
		return nil, e
	}
	found, e := d.lookToOpen(at, flags)
	if e != OK {
		return nil, e
	}
	if e := flags.admit(found, at.dir, d.writable); e != OK {
		return nil, e
	}
	if found == nil {
		return d.create(at, flags)
	}
	return d.openFound(at, flags, *found)
}

// lookToOpen returns nil if nothing is there.
func (d *dirTree) lookToOpen(at location, flags OpenFlags) (*Stat, Errno) {
	st, e := d.look(at, flags.follow())
	switch e {
	case OK:
		return &st, OK
	case ENOENT:
		return nil, d.lookParent(at)
	}
	return nil, e
}

func (d *dirTree) create(at location, flags OpenFlags) (File, Errno) {
	mode := os.O_RDWR | os.O_CREATE
	if !flags.follow() {
		mode |= os.O_EXCL
	}
	var file *os.File
	e := d.charged(EntryBytes, func() (err error) {
		file, err = d.root.OpenFile(at.String(), mode|noWait, newFilePerm)
		return err
	})
	if e != OK {
		return nil, e
	}
	return d.opened(file, flags)
}

func (d *dirTree) openFound(at location, flags OpenFlags, found Stat) (File, Errno) {
	mode := os.O_RDONLY
	if flags&(Write|Truncate) != 0 {
		mode = os.O_RDWR
	}
	file, err := d.root.OpenFile(at.String(), mode|noWait, 0)
	if err != nil {
		return nil, fromHost(err)
	}
	f, e := d.opened(file, flags)
	if e != OK || flags.follow() {
		return f, e
	}
	if now, e := f.Stat(); e != OK || now.Inode != found.Inode || now.Device != found.Device {
		_ = file.Close()
		return nil, ELOOP // a link took its place meanwhile
	}
	return f, OK
}

// opened checks what was opened, and empties it if asked.
func (d *dirTree) opened(file *os.File, flags OpenFlags) (File, Errno) {
	f := &dirFile{file: file, tree: d, write: flags&Write != 0}
	st, e := f.Stat()
	if e == OK {
		f.is = st.Type
		e = (flags &^ (Create | Exclusive)).admit(&st, false, d.writable)
	}
	if e == OK && flags&Truncate != 0 {
		e = fromHost(file.Truncate(0))
	}
	if e != OK {
		_ = file.Close()
		return nil, e
	}
	return f, OK
}

func (f *dirFile) Stat() (Stat, Errno) {
	info, err := f.file.Stat()
	if err != nil {
		return Stat{}, fromHost(err)
	}
	st := statOf(info)
	identifyOpen(f.file, &st)
	return st, OK
}

func (f *dirFile) ReadAt(p []byte, offset int64) (int, Errno) {
	if f.is == TypeDirectory {
		return 0, EISDIR
	}
	if _, e := span(offset, len(p)); e != OK {
		return 0, e
	}
	n, err := f.file.ReadAt(p, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, fromHost(err)
}

// mayWrite tells why this file takes no changes.
func (f *dirFile) mayWrite() Errno {
	switch {
	case !f.tree.writable:
		return EROFS
	case !f.write:
		return EBADF
	}
	return OK
}

func (f *dirFile) WriteAt(p []byte, offset int64) (int, Errno) {
	if e := f.mayWrite(); e != OK {
		return 0, e
	}
	end, e := span(offset, len(p))
	if e != OK || len(p) == 0 {
		return 0, e
	}
	if err := appending(f, false); err != nil {
		return 0, fromHost(err)
	}
	n := 0
	e = f.growing(func(size int64) int64 { return end - size }, func() (err error) {
		n, err = f.file.WriteAt(p, offset)
		return err
	})
	return n, e
}

func (f *dirFile) Append(p []byte) (int, Errno) {
	if e := f.mayWrite(); e != OK || len(p) == 0 {
		return 0, e
	}
	n := 0
	e := f.growing(func(int64) int64 { return int64(len(p)) }, func() (err error) {
		n, err = f.appendHost(p)
		return err
	})
	return n, e
}

func (f *dirFile) Truncate(size int64) Errno {
	if e := f.mayWrite(); e != OK {
		return e
	}
	if size < 0 {
		return EINVAL
	}
	return f.growing(func(old int64) int64 { return size - old }, func() error { return f.file.Truncate(size) })
}

// growing charges for what do makes the file larger, by its size before. If do
// fails, the charge is for what it did.
func (f *dirFile) growing(by func(size int64) int64, do func() error) Errno {
	before, err := f.file.Stat()
	if err != nil {
		return fromHost(err)
	}
	charged := max(0, by(before.Size()))
	if e := f.tree.quota.Charge(charged); e != OK {
		return e
	}
	failed := do()
	if failed == nil {
		return OK
	}
	if after, err := f.file.Stat(); err == nil {
		grown := after.Size() - before.Size()
		f.tree.quota.Release(charged - min(charged, max(0, grown)))
	}
	return fromHost(failed)
}

func (f *dirFile) Sync() Errno { return fromHost(f.file.Sync()) }

// ReadDir lists up to 100 000 names; a larger directory is EOVERFLOW. Names
// that are not UTF-8 are left out: WASI can't say them.
func (f *dirFile) ReadDir() ([]DirEntry, Errno) {
	if f.is != TypeDirectory {
		return nil, ENOTDIR
	}
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return nil, fromHost(err)
	}
	var all []DirEntry
	for {
		some, err := f.file.ReadDir(1024)
		for _, entry := range some {
			info, err := entry.Info()
			if err != nil || !utf8.ValidString(entry.Name()) {
				continue // gone meanwhile, or unspeakable
			}
			st := statOf(info)
			all = append(all, DirEntry{Name: entry.Name(), Type: st.Type, Inode: st.Inode})
		}
		if len(all) > f.tree.entries {
			return nil, EOVERFLOW
		}
		if errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
			break // the end, or the directory was removed
		}
		if err != nil {
			return nil, fromHost(err)
		}
	}
	slices.SortFunc(all, func(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return all, OK
}

func (f *dirFile) SetTimes(access, modify *time.Time) Errno {
	if !f.tree.writable {
		return EROFS
	}
	return fromHost(setTimes(f.file, access, modify))
}

func (f *dirFile) Close() Errno { return fromHost(f.file.Close()) }
