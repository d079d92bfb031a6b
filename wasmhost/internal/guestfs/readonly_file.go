package guestfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// readOnlyFile is an open file or directory of package io/fs.
type readOnlyFile struct {
	tree   *readOnly
	name   string
	file   fs.File
	is     FileType
	load   *load // its content, if it can be had in one go only
	failed error // why it could not be had
	closed bool
}

var _ File = (*readOnlyFile)(nil)

// Open implements [FS].
func (r *readOnly) Open(name string, flags OpenFlags) (File, Errno) {
	resolved, at, e := r.resolve(name)
	if e != OK {
		return nil, e
	}
	var found *Stat
	switch st, e := r.look(resolved, flags.follow() || at.dir); e {
	case OK:
		found = &st
	case ENOENT:
		if _, e := r.look(path.Dir(resolved), true); e != OK {
			return nil, e
		}
	default:
		return nil, e
	}
	if e := flags.admit(found, at.dir, false); e != OK {
		return nil, e
	}
	file, err := r.fsys.Open(resolved)
	if err != nil {
		return nil, fromHost(err)
	}
	return &readOnlyFile{tree: r, name: resolved, file: file, is: found.Type}, OK
}

func (f *readOnlyFile) Stat() (Stat, Errno) {
	if f.closed {
		return Stat{}, EBADF
	}
	info, err := f.file.Stat()
	if err != nil {
		return Stat{}, fromHost(err)
	}
	return foreignStat(f.name, info), OK
}

func (f *readOnlyFile) ReadAt(p []byte, offset int64) (int, Errno) {
	switch _, e := span(offset, len(p)); {
	case f.closed:
		return 0, EBADF
	case f.is == TypeDirectory:
		return 0, EISDIR
	case e != OK:
		return 0, e
	}
	n, err := f.readAt(p, offset)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err != nil && f.ends(offset) {
		err = nil
	}
	return n, fromHost(err)
}

// ends tells that nothing can be at an offset, which some trees call an error.
func (f *readOnlyFile) ends(offset int64) bool {
	info, err := f.file.Stat()
	return err == nil && offset >= info.Size()
}

func (f *readOnlyFile) readAt(p []byte, offset int64) (int, error) {
	if at, ok := f.file.(io.ReaderAt); ok {
		return at.ReadAt(p, offset)
	}
	if seeker, ok := f.file.(io.ReadSeeker); ok {
		if _, err := seeker.Seek(offset, io.SeekStart); err != nil {
			return 0, err
		}
		return io.ReadFull(seeker, p)
	}
	if f.load == nil && f.failed == nil {
		f.load, f.failed = f.tree.loaded.take(f.name, f.file)
	}
	if f.failed != nil {
		return 0, f.failed
	}
	if offset >= int64(len(f.load.content)) {
		return 0, nil
	}
	return copy(p, f.load.content[offset:]), nil
}

func (f *readOnlyFile) refuse() Errno {
	if f.closed {
		return EBADF
	}
	return EROFS
}

func (f *readOnlyFile) WriteAt([]byte, int64) (int, Errno) { return 0, f.refuse() }

func (f *readOnlyFile) Append([]byte) (int, Errno) { return 0, f.refuse() }

func (f *readOnlyFile) Truncate(int64) Errno { return f.refuse() }

func (f *readOnlyFile) SetTimes(_, _ *time.Time) Errno { return f.refuse() }

func (f *readOnlyFile) Sync() Errno {
	if f.closed {
		return EBADF
	}
	return OK
}

// ReadDir reads by name, for a directory of io/fs can be read only once.
func (f *readOnlyFile) ReadDir() ([]DirEntry, Errno) {
	switch {
	case f.closed:
		return nil, EBADF
	case f.is != TypeDirectory:
		return nil, ENOTDIR
	}
	entries, err := fs.ReadDir(f.tree.fsys, f.name)
	if err != nil {
		return nil, fromHost(err)
	}
	all := make([]DirEntry, 0, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if !utf8.ValidString(name) {
			continue
		}
		all = append(all, DirEntry{
			Name: name, Type: typeOf(entry.Type()), Inode: pathHash(path.Join(f.name, name)),
		})
	}
	slices.SortFunc(all, func(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return all, OK
}

func (f *readOnlyFile) Close() Errno {
	if f.closed {
		return EBADF
	}
	f.closed = true
	if f.load != nil {
		f.tree.loaded.drop(f.name)
	}
	return fromHost(f.file.Close())
}
