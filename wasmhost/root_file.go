package wasmhost

import (
	"io/fs"
	"os"

	sysapi "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/experimental/sysfs"
)

// rootFile is an open file or directory of a rootFS: wazero's own file over an
// *os.File, and what that one lacks.
type rootFile struct {
	sysapi.File

	opened   *opener
	writable bool
	appends  bool
}

var _ sysapi.File = (*rootFile)(nil)

// opener is the fs.FS through which wazero opens one file, and opens it again
// to rewind a directory.
type opener struct {
	root  *os.Root
	flags int
	perm  fs.FileMode
	file  *os.File // the last one opened
}

func (o *opener) Open(name string) (fs.File, error) {
	file, err := o.root.OpenFile(local(name), o.flags, o.perm)
	if err != nil {
		return nil, err
	}
	o.file = file
	return file, nil
}

// openRootFile opens name with flags that rootFS has checked.
func (f rootFS) openRootFile(name string, flag sysapi.Oflag, perm fs.FileMode) (sysapi.File, sysapi.Errno) {
	o := &opener{root: f.root, flags: osFlags(flag), perm: perm & 0o777}
	if _, err := o.Open(name); err != nil {
		return nil, errno(err)
	}
	first := o.file
	file, e := (&sysfs.AdaptFS{FS: &once{opener: o, first: first}}).OpenFile(local(name), sysapi.O_RDONLY, 0)
	if e != 0 {
		_ = first.Close()
		return nil, e
	}
	return &rootFile{File: file, opened: o, writable: f.writable, appends: flag&sysapi.O_APPEND != 0}, 0
}

// once hands out a file that is open already before it opens others, so that
// errors of the first opening keep their errno.
type once struct {
	opener *opener
	first  *os.File
}

func (o *once) Open(name string) (fs.File, error) {
	if file := o.first; file != nil {
		o.first = nil
		return file, nil
	}
	return o.opener.Open(name)
}

func (f *rootFile) IsAppend() bool { return f.appends }

func (f *rootFile) Pwrite(buf []byte, off int64) (int, sysapi.Errno) {
	if f.appends { // package os refuses it, with an error that has no errno
		return 0, sysapi.ENOTSUP
	}
	return f.File.Pwrite(buf, off)
}

func (f *rootFile) Truncate(size int64) sysapi.Errno {
	if !f.writable {
		return sysapi.EROFS
	}
	return errno(f.opened.file.Truncate(size))
}

func (f *rootFile) Sync() sysapi.Errno { return errno(f.opened.file.Sync()) }

func (f *rootFile) Datasync() sysapi.Errno { return errno(f.opened.file.Sync()) }
