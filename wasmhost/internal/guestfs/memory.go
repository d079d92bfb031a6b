package guestfs

import "time"

// Memory is a tree in memory. Nothing in it depends on the machine: inodes are
// numbered as they are made, times come from Now. Reading changes no time.
//
// Its quota is charged [EntryBytes] for each file and directory but the root,
// and the size of each file, holes too; what is removed is given back once its
// last file is closed. What it holds in memory stays below twice that.
type Memory struct {
	// Now is the clock of the tree; nil is time.Now.
	Now func() time.Time
	// Device is the device number that its files tell.
	Device uint64

	quota *Quota
	root  *node
	made  uint64 // inodes so far
}

var _ FS = (*Memory)(nil)

// NewMemory returns an empty tree; nil is a quota of nothing.
func NewMemory(quota *Quota) *Memory {
	if quota == nil {
		quota = NewQuota(0)
	}
	m := &Memory{Device: 1, quota: quota, made: 1}
	begin := time.Unix(0, 0) // Now is not set yet
	m.root = &node{
		inode: 1, is: TypeDirectory, links: 1, children: map[string]*node{},
		access: begin, modify: begin, change: begin,
	}
	m.root.parent = m.root
	return m
}

// Close leaves the content for the owner to collect.
func (m *Memory) Close() error { return nil }

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// walk goes to a place by its parts; ".." stays in the root.
func (m *Memory) walk(parts []string) (*node, Errno) {
	at := m.root
	for _, part := range parts {
		switch {
		case at.is != TypeDirectory:
			return nil, ENOTDIR
		case part == "..":
			at = at.parent
		default:
			at = at.children[part]
		}
		if at == nil {
			return nil, ENOENT
		}
	}
	return at, OK
}

// find is walk for a whole location.
func (m *Memory) find(at location) (*node, Errno) {
	n, e := m.walk(at.parts)
	if e == OK && at.dir && n.is != TypeDirectory {
		return nil, ENOTDIR
	}
	return n, e
}

// findParent goes to the directory of a location that ends in a name.
func (m *Memory) findParent(at location) (dir *node, name string, e Errno) {
	parent, name, ok := at.entry()
	if !ok {
		return nil, "", ENOENT
	}
	dir, e = m.find(parent)
	return dir, name, e
}

// lookup finds the node of a guest's path.
func (m *Memory) lookup(path string) (*node, location, Errno) {
	at, e := locate(path)
	if e != OK {
		return nil, at, e
	}
	n, e := m.find(at)
	return n, at, e
}

// Stat implements [FS].
func (m *Memory) Stat(path string, _ bool) (Stat, Errno) {
	n, _, e := m.lookup(path)
	if e != OK {
		return Stat{}, e
	}
	return m.statOf(n), OK
}

// Readlink implements [FS]: there are no links.
func (m *Memory) Readlink(path string) (string, Errno) {
	_, _, e := m.lookup(path)
	return "", orElse(e, EINVAL)
}

// SetTimes implements [FS].
func (m *Memory) SetTimes(path string, _ bool, access, modify *time.Time) Errno {
	n, _, e := m.lookup(path)
	if e == OK {
		m.setTimes(n, access, modify)
	}
	return e
}

// Mkdir implements [FS].
func (m *Memory) Mkdir(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	if _, e := m.walk(at.parts); e != ENOENT {
		return orElse(e, EEXIST)
	}
	dir, name, e := m.findParent(at)
	if e != OK {
		return e
	}
	_, e = m.add(dir, name, TypeDirectory)
	return e
}

// Rmdir implements [FS].
func (m *Memory) Rmdir(path string) Errno {
	at, e := locate(path)
	if e != OK {
		return e
	}
	if _, _, ok := at.entry(); !ok {
		return EINVAL
	}
	n, e := m.find(at)
	if e != OK {
		return e
	}
	dir, name, e := m.findParent(at)
	switch {
	case e != OK:
		return e
	case n.is != TypeDirectory:
		return ENOTDIR
	case len(n.children) > 0:
		return ENOTEMPTY
	}
	m.remove(dir, name)
	return OK
}

// Unlink implements [FS].
func (m *Memory) Unlink(path string) Errno {
	n, at, e := m.lookup(path)
	if e != OK {
		return e
	}
	if n.is == TypeDirectory {
		return EISDIR
	}
	dir, name, e := m.findParent(at)
	if e == OK {
		m.remove(dir, name)
	}
	return e
}
