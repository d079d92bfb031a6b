package guestfs

import (
	"slices"
	"strings"
	"time"
)

// memoryFile is an open file or directory of a Memory.
type memoryFile struct {
	tree   *Memory
	node   *node
	write  bool
	closed bool
}

var _ File = (*memoryFile)(nil)

// Open implements [FS].
func (m *Memory) Open(path string, flags OpenFlags) (File, Errno) {
	at, e := locate(path)
	if e != OK {
		return nil, e
	}
	n, found, e := m.lookToOpen(at)
	if e != OK {
		return nil, e
	}
	if e := flags.admit(found, at.dir, true); e != OK {
		return nil, e
	}
	if n == nil {
		dir, name, e := m.findParent(at)
		if e != OK {
			return nil, e
		}
		if n, e = m.add(dir, name, TypeRegular); e != OK {
			return nil, e
		}
	}
	n.open++
	f := &memoryFile{tree: m, node: n, write: flags&Write != 0}
	if flags&Truncate != 0 {
		_ = f.resize(0) // less needs no quota
	}
	return f, OK
}

// lookToOpen returns nil if nothing is there.
func (m *Memory) lookToOpen(at location) (*node, *Stat, Errno) {
	n, e := m.find(at)
	if e == ENOENT {
		// A directory on the way must be there; the last name need not.
		if _, _, e := m.findParent(at); e != OK {
			return nil, nil, e
		}
		return nil, nil, OK
	}
	if e != OK {
		return nil, nil, e
	}
	st := m.statOf(n)
	return n, &st, OK
}

func (f *memoryFile) Stat() (Stat, Errno) {
	if f.closed {
		return Stat{}, EBADF
	}
	return f.tree.statOf(f.node), OK
}

func (f *memoryFile) ReadAt(p []byte, offset int64) (int, Errno) {
	switch _, e := span(offset, len(p)); {
	case f.closed:
		return 0, EBADF
	case f.node.is == TypeDirectory:
		return 0, EISDIR
	case e != OK:
		return 0, e
	}
	return f.node.content.readAt(p, offset), OK
}

func (f *memoryFile) WriteAt(p []byte, offset int64) (int, Errno) {
	if f.closed || !f.write {
		return 0, EBADF
	}
	end, e := span(offset, len(p))
	if e != OK || len(p) == 0 {
		return 0, e
	}
	if e := f.grow(end); e != OK {
		return 0, e
	}
	f.node.content.writeAt(p, offset)
	f.tree.touch(f.node)
	return len(p), OK
}

func (f *memoryFile) Append(p []byte) (int, Errno) {
	return f.WriteAt(p, f.node.content.size)
}

func (f *memoryFile) Truncate(size int64) Errno {
	switch {
	case f.closed || !f.write:
		return EBADF
	case size < 0:
		return EINVAL
	}
	return f.resize(size)
}

func (f *memoryFile) resize(size int64) Errno {
	if e := f.grow(size); e != OK {
		return e
	}
	f.tree.quota.Release(max(0, f.node.content.size-size))
	f.node.content.truncate(size)
	f.tree.touch(f.node)
	return OK
}

// grow charges for what makes the file larger, up to end bytes.
func (f *memoryFile) grow(end int64) Errno {
	n := max(0, end-f.node.content.size)
	if e := f.tree.quota.Charge(n); e != OK {
		return e
	}
	if end > maxFileBytes {
		f.tree.quota.Release(n)
		return EFBIG
	}
	return OK
}

func (f *memoryFile) Sync() Errno {
	if f.closed {
		return EBADF
	}
	return OK
}

func (f *memoryFile) ReadDir() ([]DirEntry, Errno) {
	switch {
	case f.closed:
		return nil, EBADF
	case f.node.is != TypeDirectory:
		return nil, ENOTDIR
	}
	all := make([]DirEntry, 0, len(f.node.children))
	for name, n := range f.node.children {
		all = append(all, DirEntry{Name: name, Type: n.is, Inode: n.inode})
	}
	slices.SortFunc(all, func(a, b DirEntry) int { return strings.Compare(a.Name, b.Name) })
	return all, OK
}

func (f *memoryFile) SetTimes(access, modify *time.Time) Errno {
	if f.closed {
		return EBADF
	}
	f.tree.setTimes(f.node, access, modify)
	return OK
}

func (f *memoryFile) Close() Errno {
	if f.closed {
		return EBADF
	}
	f.closed = true
	f.node.open--
	f.tree.release(f.node)
	return OK
}
