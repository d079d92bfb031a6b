package wasip1

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

func (s *State) pathFilestatGet(_ context.Context, g guest) guestfs.Errno {
	out, errno := g.record(4, filestatBytes)
	if errno != guestfs.OK {
		return errno
	}
	p, errno := s.place(g, 0, 2, rightPathFilestatGet)
	if errno != guestfs.OK {
		return errno
	}
	stat, errno := p.fs.Stat(p.path, p.follow(g.u32(1)))
	if errno != guestfs.OK {
		return errno
	}
	if p.directory && stat.Type != guestfs.TypeDirectory {
		return guestfs.ENOTDIR
	}
	putFilestat(out, stat)
	return guestfs.OK
}

func (s *State) pathFilestatSetTimes(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.place(g, 0, 2, rightPathFilestatSetTimes)
	if errno != guestfs.OK {
		return errno
	}
	access, modify, errno := s.times(g, 4)
	if errno != guestfs.OK {
		return errno
	}
	if errno := p.isDirectory(); errno != guestfs.OK {
		return errno
	}
	return p.fs.SetTimes(p.path, p.follow(g.u32(1)), access, modify)
}

// follow says whether a link at the end is followed; a slash after it is as good
// as asking.
func (p place) follow(lookup uint32) bool { return p.directory || lookup&lookupFollow != 0 }

func (s *State) pathReadlink(_ context.Context, g guest) guestfs.Errno {
	to, errno := g.buffer(3)
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(5, 4)
	if errno != guestfs.OK {
		return errno
	}
	p, errno := s.place(g, 0, 1, rightPathReadlink)
	if errno != guestfs.OK {
		return errno
	}
	if p.directory {
		return guestfs.EINVAL // a link would be followed, and what it leads to is none
	}
	target, errno := p.fs.Readlink(p.path)
	if errno != guestfs.OK {
		return errno
	}
	le.PutUint32(out, uint32(copy(to, target)))
	return guestfs.OK
}
