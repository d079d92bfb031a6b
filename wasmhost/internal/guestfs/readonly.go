package guestfs

import (
	"hash/fnv"
	"io/fs"
	"path"
	"time"
)

// readOnly is a tree of package io/fs.
type readOnly struct {
	fsys   fs.FS
	loaded *loads
}

var _ FS = (*readOnly)(nil)

// ReadOnly serves any fs.FS, such as an embed.FS or a *zip.Reader, as a tree
// in which nothing changes: EROFS. Inodes are hashes of paths. Links are seen
// where fsys tells of them (fs.ReadLinkFS); to keep them from leading out is
// fsys's part: os.Root's FS does, os.DirFS does not.
//
// Files that can neither seek nor be read at an offset are read into memory
// while they are open, up to 64 MiB for the whole tree: more is ENOMEM.
//
// Several trees may share one fsys if it is safe for concurrent use.
func ReadOnly(fsys fs.FS) FS {
	return &readOnly{fsys: fsys, loaded: &loads{files: map[string]*load{}, most: maxLoadedBytes}}
}

func (r *readOnly) Close() error { return nil }

// resolve makes a path of io/fs; what ".." leaves must be a directory.
func (r *readOnly) resolve(name string) (string, location, Errno) {
	at, e := locate(name)
	if e != OK {
		return "", at, e
	}
	resolved := "."
	for _, part := range at.parts {
		if part != ".." {
			resolved = path.Join(resolved, part)
			continue
		}
		st, e := r.look(resolved, true)
		if e != OK {
			return "", at, e
		}
		if st.Type != TypeDirectory {
			return "", at, ENOTDIR
		}
		resolved = path.Dir(resolved)
	}
	return resolved, at, OK
}

func (r *readOnly) look(name string, follow bool) (Stat, Errno) {
	ask := fs.Lstat
	if follow {
		ask = fs.Stat
	}
	info, err := ask(r.fsys, name)
	if err != nil {
		return Stat{}, r.why(name, err)
	}
	return foreignStat(name, info), OK
}

// why tells ENOTDIR from ENOENT, which io/fs does not.
func (r *readOnly) why(name string, err error) Errno {
	e := fromHost(err)
	if e != ENOENT {
		return e
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := fs.Stat(r.fsys, dir); err == nil {
			if !info.IsDir() {
				return ENOTDIR
			}
			break
		}
	}
	return e
}

// Stat implements [FS].
func (r *readOnly) Stat(name string, follow bool) (Stat, Errno) {
	resolved, at, e := r.resolve(name)
	if e != OK {
		return Stat{}, e
	}
	st, e := r.look(resolved, follow || at.dir)
	if e == OK && at.dir && st.Type != TypeDirectory {
		return Stat{}, ENOTDIR
	}
	return st, e
}

// Readlink implements [FS].
func (r *readOnly) Readlink(name string) (string, Errno) {
	st, e := r.Stat(name, false)
	if e != OK {
		return "", e
	}
	if st.Type != TypeLink {
		return "", EINVAL
	}
	resolved, _, e := r.resolve(name)
	if e != OK {
		return "", e
	}
	target, err := fs.ReadLink(r.fsys, resolved)
	if path.IsAbs(target) {
		return "", EPERM
	}
	return target, fromHost(err)
}

// Mkdir implements [FS].
func (r *readOnly) Mkdir(name string) Errno {
	at, e := locate(name)
	if e != OK {
		return e
	}
	if _, e = r.Stat(at.String(), false); e == ENOENT {
		return EROFS
	}
	return orElse(e, EEXIST)
}

// Rmdir implements [FS].
func (r *readOnly) Rmdir(name string) Errno { return r.refuse(name) }

// Unlink implements [FS].
func (r *readOnly) Unlink(name string) Errno { return r.refuse(name) }

// Rename implements [FS].
func (r *readOnly) Rename(from, to string) Errno {
	if _, e := locate(to); e != OK {
		return e
	}
	return r.refuse(from)
}

// SetTimes implements [FS].
func (r *readOnly) SetTimes(name string, _ bool, _, _ *time.Time) Errno { return r.refuse(name) }

// refuse is EROFS for what could be changed if it were not for that.
func (r *readOnly) refuse(name string) Errno {
	_, e := r.Stat(name, false)
	return orElse(e, EROFS)
}

func foreignStat(name string, info fs.FileInfo) Stat {
	st := portableStat(info)
	st.Device, st.Inode = foreignDevice, pathHash(name)
	at := timeOf(info)
	st.Access, st.Modify, st.Change = at, at, at
	return st
}

// foreignDevice is the device of trees of package io/fs.
const foreignDevice = 2

func pathHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// timeOf is a time of a foreign tree; some tell none.
func timeOf(info fs.FileInfo) time.Time {
	if at := info.ModTime(); !at.IsZero() {
		return at
	}
	return time.Unix(0, 0)
}
