package guestfs

// Rename implements [FS]. Where several errors hold, it is Linux's choice.
func (m *Memory) Rename(from, to string) Errno {
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
	moved, e := m.find(source)
	if e != OK {
		return e
	}
	if target.dir && moved.is != TypeDirectory {
		return ENOTDIR
	}
	dir, name, e := m.findParent(target)
	if e != OK {
		return e
	}
	if dir.is != TypeDirectory {
		return ENOTDIR
	}
	return m.move(source, moved, dir, name)
}

// move puts a node under another name, and what has that name out of the way.
func (m *Memory) move(source location, moved, dir *node, name string) Errno {
	old := dir.children[name]
	if old == moved {
		return OK
	}
	from, fromName, e := m.findParent(source)
	if e != OK {
		return e
	}
	if e := mayReplace(moved, from, dir, old); e != OK {
		return e
	}
	if old != nil {
		m.remove(dir, name)
	}
	delete(from.children, fromName)
	dir.children[name] = moved
	if moved.is == TypeDirectory {
		moved.parent = dir
	}
	moved.change = m.now()
	m.touch(from)
	m.touch(dir)
	return OK
}

// mayReplace decides whether moved may leave from for dir, where old is.
func mayReplace(moved, from, dir, old *node) Errno {
	isDir := moved.is == TypeDirectory
	switch {
	case isDir && dir.within(moved):
		return EINVAL
	case old == nil:
		return OK
	case old.is == TypeDirectory && from.within(old):
		return ENOTEMPTY // what moves is in it
	case isDir && old.is != TypeDirectory:
		return ENOTDIR
	case !isDir && old.is == TypeDirectory:
		return EISDIR
	case len(old.children) > 0:
		return ENOTEMPTY
	}
	return OK
}
