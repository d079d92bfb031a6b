package wasmhost

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	sysapi "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"
)

// rootFS is a directory behind os.Root, which follows no link out of it. Guests
// see directories and regular files only, can't make links, and change nothing
// unless it is writable.
type rootFS struct {
	sysapi.UnimplementedFS // refuses links

	root     *os.Root
	guest    string
	writable bool
}

var _ sysapi.FS = rootFS{}

// clean makes a guest's path relative to the root; ".." stops there.
func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

func local(name string) string {
	if c := clean(name); c != "" {
		return c
	}
	return "."
}

// errno translates errors of os; an escape from the root has no errno.
func errno(err error) sysapi.Errno {
	if err == nil {
		return 0
	}
	if e := sysapi.UnwrapOSError(err); e != sysapi.EIO {
		return e
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) && strings.Contains(pathErr.Err.Error(), "escapes") {
		return sysapi.EPERM
	}
	return sysapi.EIO
}

// change runs a writing operation, unless the mount is read-only.
func (f rootFS) change(do func() error) sysapi.Errno {
	if !f.writable {
		return sysapi.EROFS
	}
	return errno(do())
}

func (f rootFS) OpenFile(name string, flag sysapi.Oflag, perm fs.FileMode) (sysapi.File, sysapi.Errno) {
	const writing = sysapi.O_RDWR | sysapi.O_WRONLY | sysapi.O_CREAT | sysapi.O_TRUNC | sysapi.O_APPEND
	if flag&writing != 0 && !f.writable {
		return nil, sysapi.EROFS
	}
	info, err := f.root.Stat(local(name))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, errno(err)
	case err == nil && !info.IsDir() && !info.Mode().IsRegular():
		return nil, sysapi.EPERM // opening a pipe or device may block or worse
	case err == nil && flag&sysapi.O_DIRECTORY != 0 && !info.IsDir():
		return nil, sysapi.ENOTDIR
	}
	return f.openRootFile(name, flag, perm)
}

func osFlags(flag sysapi.Oflag) int {
	flags := os.O_RDONLY
	for _, f := range []struct {
		from sysapi.Oflag
		to   int
	}{
		{sysapi.O_RDWR, os.O_RDWR},
		{sysapi.O_WRONLY, os.O_WRONLY},
		{sysapi.O_CREAT, os.O_CREATE},
		{sysapi.O_EXCL, os.O_EXCL},
		{sysapi.O_TRUNC, os.O_TRUNC},
		{sysapi.O_APPEND, os.O_APPEND},
		{sysapi.O_SYNC, os.O_SYNC},
	} {
		if flag&f.from != 0 {
			flags |= f.to
		}
	}
	return flags
}

func (f rootFS) Lstat(name string) (sys.Stat_t, sysapi.Errno) {
	return stat(f.root.Lstat(local(name)))
}

func (f rootFS) Stat(name string) (sys.Stat_t, sysapi.Errno) {
	return stat(f.root.Stat(local(name)))
}

func stat(info fs.FileInfo, err error) (sys.Stat_t, sysapi.Errno) {
	if err != nil {
		return sys.Stat_t{}, errno(err)
	}
	return sys.NewStat_t(info), 0
}

func (f rootFS) Readlink(name string) (string, sysapi.Errno) {
	target, err := f.root.Readlink(local(name))
	return target, errno(err)
}

func (f rootFS) Mkdir(name string, perm fs.FileMode) sysapi.Errno {
	return f.change(func() error { return f.root.Mkdir(local(name), perm&0o777) })
}

func (f rootFS) Rename(from, to string) sysapi.Errno {
	return f.change(func() error { return f.root.Rename(local(from), local(to)) })
}

func (f rootFS) Rmdir(name string) sysapi.Errno { return f.remove(name, true) }

func (f rootFS) Unlink(name string) sysapi.Errno { return f.remove(name, false) }

// remove removes either a directory or anything else, as POSIX tells apart.
func (f rootFS) remove(name string, dir bool) sysapi.Errno {
	info, err := f.root.Lstat(local(name))
	switch {
	case !f.writable:
		return sysapi.EROFS
	case err != nil:
		return errno(err)
	case dir && !info.IsDir():
		return sysapi.ENOTDIR
	case !dir && info.IsDir():
		return sysapi.EISDIR
	}
	return errno(f.root.Remove(local(name)))
}

func (f rootFS) Utimens(name string, atim, mtim int64) sysapi.Errno {
	return f.change(func() error { return f.root.Chtimes(local(name), time.Unix(0, atim), time.Unix(0, mtim)) })
}
