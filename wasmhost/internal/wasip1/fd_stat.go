package wasip1

import (
	"context"
	"math"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

const (
	fdstatBytes   = 24
	filestatBytes = 64
)

func (s *State) fdFdstatGet(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), 0)
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(1, fdstatBytes)
	if errno != guestfs.OK {
		return errno
	}
	clear(out)
	out[0] = byte(d.fileType())
	le.PutUint16(out[2:], uint16(d.flags))
	le.PutUint64(out[8:], uint64(d.base))
	le.PutUint64(out[16:], uint64(d.inheriting))
	return guestfs.OK
}

func (s *State) fdFdstatSetFlags(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), rightFdFdstatSetFlags)
	if errno != guestfs.OK {
		return errno
	}
	flags := g.u32(1)
	if flags&^uint32(knownFlags) != 0 {
		return guestfs.EINVAL
	}
	if d.kind != regular {
		return guestfs.OK // they would mean nothing
	}
	kept := fdFlags(flags) &^ flagNonblock
	if kept != d.flags {
		s.touch(d)
	}
	d.flags = kept
	return guestfs.OK
}

// fdFdstatSetRights gives rights up for good. Those that the descriptor never
// had are ENOTCAPABLE.
func (s *State) fdFdstatSetRights(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), 0)
	if errno != guestfs.OK {
		return errno
	}
	base, inheriting := rights(g.args[1]), rights(g.args[2])
	if base&^d.base != 0 || inheriting&^d.inheriting != 0 {
		return guestfs.ENOTCAPABLE
	}
	if base != d.base || inheriting != d.inheriting {
		s.touch(d)
	}
	d.denied |= d.base &^ base
	d.deniedForDescendants |= d.inheriting &^ inheriting
	d.base, d.inheriting = base, inheriting
	return guestfs.OK
}

func (s *State) fdFilestatGet(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), rightFdFilestatGet)
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(1, filestatBytes)
	if errno != guestfs.OK {
		return errno
	}
	stat, errno := s.stat(d)
	if errno != guestfs.OK {
		return errno
	}
	putFilestat(out, stat)
	return guestfs.OK
}

func (s *State) stat(d *descriptor) (guestfs.Stat, guestfs.Errno) {
	switch {
	case d.file != nil:
		return d.file.Stat()
	case d.preopen > 0:
		return s.config.Preopens[d.tree].FS.Stat("", true)
	default:
		return guestfs.Stat{Type: d.fileType(), Links: 1}, guestfs.OK
	}
}

func putFilestat(out []byte, stat guestfs.Stat) {
	clear(out)
	le.PutUint64(out, stat.Device)
	le.PutUint64(out[8:], stat.Inode)
	out[16] = byte(stat.Type)
	le.PutUint64(out[24:], stat.Links)
	le.PutUint64(out[32:], uint64(stat.Size))
	le.PutUint64(out[40:], nanoseconds(stat.Access))
	le.PutUint64(out[48:], nanoseconds(stat.Modify))
	le.PutUint64(out[56:], nanoseconds(stat.Change))
}

func (s *State) fdFilestatSetSize(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.writable(g.u32(0), rightFdFilestatSetSize)
	if errno != guestfs.OK {
		return errno
	}
	if g.args[1] > math.MaxInt64 {
		return guestfs.EFBIG
	}
	return d.file.Truncate(int64(g.args[1]))
}

func (s *State) fdFilestatSetTimes(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), rightFdFilestatSetTimes)
	if errno != guestfs.OK {
		return errno
	}
	access, modify, errno := s.times(g, 1)
	switch {
	case errno != guestfs.OK:
		return errno
	case d.file != nil:
		return d.file.SetTimes(access, modify)
	case d.preopen > 0:
		return s.config.Preopens[d.tree].FS.SetTimes("", true, access, modify)
	default:
		return guestfs.EINVAL
	}
}

// times reads the times of access and modification at arguments i and i+1 and
// the flags after them; nil is a time that is to stay.
func (s *State) times(g guest, i int) (access, modify *time.Time, errno guestfs.Errno) {
	const (
		setAccess = 1 << iota
		setAccessNow
		setModify
		setModifyNow
	)
	flags := g.u32(i + 2)
	if flags > setAccess|setAccessNow|setModify|setModifyNow ||
		flags&(setAccess|setAccessNow) == setAccess|setAccessNow ||
		flags&(setModify|setModifyNow) == setModify|setModifyNow {
		return nil, nil, guestfs.EINVAL
	}
	one := func(given, now uint32, ns uint64) *time.Time {
		switch {
		case flags&now != 0:
			ns = s.now(clockRealtime)
		case flags&given == 0:
			return nil
		}
		t := instant(ns)
		return &t
	}
	access = one(setAccess, setAccessNow, g.args[i])
	modify = one(setModify, setModifyNow, g.args[i+1])
	return access, modify, guestfs.OK
}
