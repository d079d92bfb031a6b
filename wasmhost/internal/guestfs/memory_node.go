package guestfs

import "time"

// node is a file or directory in memory.
type node struct {
	inode    uint64
	is       FileType
	links    uint64 // 0 once removed
	open     int    // files open on it
	parent   *node  // of a directory; the root is its own
	children map[string]*node
	content  content

	access, modify, change time.Time
}

// charge is what a node costs its quota.
func (n *node) charge() int64 { return EntryBytes + n.content.size }

func (m *Memory) statOf(n *node) Stat {
	return Stat{
		Type: n.is, Device: m.Device, Inode: n.inode, Links: n.links, Size: n.content.size,
		Access: n.access, Modify: n.modify, Change: n.change,
	}
}

func (m *Memory) setTimes(n *node, access, modify *time.Time) {
	if access != nil {
		n.access = *access
	}
	if modify != nil {
		n.modify = *modify
	}
	n.change = m.now()
}

// touch says that a node's content changed.
func (m *Memory) touch(n *node) {
	now := m.now()
	n.modify, n.change = now, now
}

// add puts a new node into a directory that has no such name.
func (m *Memory) add(dir *node, name string, is FileType) (*node, Errno) {
	if e := m.quota.Charge(EntryBytes); e != OK {
		return nil, e
	}
	m.made++
	now := m.now()
	n := &node{inode: m.made, is: is, links: 1, access: now, modify: now, change: now}
	if is == TypeDirectory {
		n.parent, n.children = dir, map[string]*node{}
	}
	dir.children[name] = n
	dir.modify, dir.change = now, now
	return n, OK
}

// remove takes a name out of a directory.
func (m *Memory) remove(dir *node, name string) {
	n := dir.children[name]
	delete(dir.children, name)
	n.links = 0
	n.change = m.now()
	m.touch(dir)
	m.release(n)
}

// release gives a node's charge back, once nothing refers to it.
func (m *Memory) release(n *node) {
	if n.links == 0 && n.open == 0 {
		m.quota.Release(n.charge())
		n.content = content{}
	}
}

// within reports whether a directory is another one, or lies somewhere in it.
func (n *node) within(dir *node) bool {
	for n != dir {
		if n.parent == n {
			return false
		}
		n = n.parent
	}
	return true
}
