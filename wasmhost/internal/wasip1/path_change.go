package wasip1

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

func (s *State) pathCreateDirectory(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.place(g, 0, 1, rightPathCreateDirectory)
	switch {
	case errno != guestfs.OK:
		return errno
	case p.path == "":
		return guestfs.EEXIST
	}
	return p.fs.Mkdir(p.path)
}

func (s *State) pathRemoveDirectory(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.place(g, 0, 1, rightPathRemoveDirectory)
	switch {
	case errno != guestfs.OK:
		return errno
	case p.path == "":
		return guestfs.EBUSY
	}
	return p.fs.Rmdir(p.path)
}

func (s *State) pathUnlinkFile(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.place(g, 0, 1, rightPathUnlinkFile)
	switch {
	case errno != guestfs.OK:
		return errno
	case p.path == "":
		return guestfs.EISDIR
	}
	if errno := p.isDirectory(); errno != guestfs.OK {
		return errno
	}
	if p.directory {
		return guestfs.EISDIR
	}
	return p.fs.Unlink(p.path)
}

func (s *State) pathRename(_ context.Context, g guest) guestfs.Errno {
	from, errno := s.place(g, 0, 1, rightPathRenameSource)
	if errno != guestfs.OK {
		return errno
	}
	to, errno := s.place(g, 3, 4, rightPathRenameTarget)
	switch {
	case errno != guestfs.OK:
		return errno
	case from.from.tree != to.from.tree:
		return guestfs.EXDEV
	case from.path == "" || to.path == "":
		return guestfs.EBUSY
	}
	// A slash after either name says that it is a directory that moves.
	from.directory = from.directory || to.directory
	if errno := from.isDirectory(); errno != guestfs.OK {
		return errno
	}
	return from.fs.Rename(from.path, to.path)
}

// pathLink makes no link: a guest can't be kept in a tree by names if it can
// give other names to what is there.
func (s *State) pathLink(_ context.Context, g guest) guestfs.Errno {
	from, errno := s.place(g, 0, 2, rightPathLinkSource)
	if errno != guestfs.OK {
		return errno
	}
	to, errno := s.place(g, 4, 5, rightPathLinkTarget)
	switch {
	case errno != guestfs.OK:
		return errno
	case from.from.tree != to.from.tree:
		return guestfs.EXDEV
	}
	return guestfs.EPERM
}

// pathSymlink makes no link, as pathLink.
func (s *State) pathSymlink(_ context.Context, g guest) guestfs.Errno {
	if _, errno := g.path(0); errno != guestfs.OK {
		return errno
	}
	if _, errno := s.place(g, 2, 3, rightPathSymlink); errno != guestfs.OK {
		return errno
	}
	return guestfs.EPERM
}
