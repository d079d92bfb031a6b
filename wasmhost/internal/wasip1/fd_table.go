package wasip1

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

func (s *State) fdClose(_ context.Context, g guest) guestfs.Errno {
	if _, errno := s.descriptor(g.u32(0), 0); errno != guestfs.OK {
		return errno
	}
	return s.remove(g.u32(0))
}

// fdRenumber closes the second descriptor and gives its number to the first.
// Both must be open, so that a guest can't make the table large.
func (s *State) fdRenumber(_ context.Context, g guest) guestfs.Errno {
	from, to := g.u32(0), g.u32(1)
	for _, fd := range [...]uint32{from, to} {
		if _, errno := s.descriptor(fd, 0); errno != guestfs.OK {
			return errno
		}
	}
	if from == to {
		return guestfs.OK
	}
	errno := s.remove(to)
	s.touch(&s.descriptors[from])
	s.descriptors[to], s.descriptors[from] = s.descriptors[from], descriptor{}
	s.lowest = min(s.lowest, int(from))
	return errno
}

// preopen finds a descriptor that New made of a preopen. Guests look at all
// numbers from 3 until EBADF.
func (s *State) preopen(fd uint32) (*Preopen, guestfs.Errno) {
	d, errno := s.descriptor(fd, 0)
	if errno != guestfs.OK {
		return nil, errno
	}
	if d.preopen == 0 {
		return nil, guestfs.EBADF
	}
	return &s.config.Preopens[d.tree], guestfs.OK
}

func (s *State) fdPrestatGet(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.preopen(g.u32(0))
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(1, 8)
	if errno != guestfs.OK {
		return errno
	}
	clear(out) // 0 is the type: a directory
	le.PutUint32(out[4:], uint32(len(p.GuestPath)))
	return guestfs.OK
}

func (s *State) fdPrestatDirName(_ context.Context, g guest) guestfs.Errno {
	p, errno := s.preopen(g.u32(0))
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.buffer(1)
	if errno != guestfs.OK {
		return errno
	}
	if len(out) < len(p.GuestPath) {
		return guestfs.ENAMETOOLONG
	}
	copy(out, p.GuestPath)
	return guestfs.OK
}
