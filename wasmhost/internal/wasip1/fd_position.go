package wasip1

import (
	"context"
	"math"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// Whence of fd_seek.
const (
	fromStart uint32 = iota
	fromHere
	fromEnd
)

func (s *State) fdSeek(_ context.Context, g guest) guestfs.Errno {
	delta, whence := int64(g.args[1]), g.u32(2)
	need := rightFdSeek
	if delta == 0 && whence == fromHere {
		need = rightFdTell
	}
	d, errno := s.descriptor(g.u32(0), need)
	if errno != guestfs.OK {
		return errno
	}
	if errno := d.seekable(); errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(3, 8)
	if errno != guestfs.OK {
		return errno
	}
	from, errno := d.origin(whence)
	switch {
	case errno != guestfs.OK:
		return errno
	case delta > 0 && from > math.MaxInt64-delta:
		return guestfs.EOVERFLOW
	case from+delta < 0:
		return guestfs.EINVAL
	}
	if delta != 0 || whence != fromHere {
		s.touch(d)
	}
	d.offset = from + delta
	le.PutUint64(out, uint64(d.offset))
	return guestfs.OK
}

// origin is where a seek counts from.
func (d *descriptor) origin(whence uint32) (int64, guestfs.Errno) {
	switch whence {
	case fromStart:
		return 0, guestfs.OK
	case fromHere:
		return d.offset, guestfs.OK
	case fromEnd:
		stat, errno := d.file.Stat()
		return stat.Size, errno
	default:
		return 0, guestfs.EINVAL
	}
}

func (s *State) fdTell(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), rightFdTell)
	if errno != guestfs.OK {
		return errno
	}
	if errno := d.seekable(); errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(1, 8)
	if errno != guestfs.OK {
		return errno
	}
	le.PutUint64(out, uint64(d.offset))
	return guestfs.OK
}

// fdAdvise checks the advice and forgets it.
func (s *State) fdAdvise(_ context.Context, g guest) guestfs.Errno {
	const lastAdvice = 5 // no reuse
	d, errno := s.descriptor(g.u32(0), rightFdAdvise)
	if errno != guestfs.OK {
		return errno
	}
	if errno := d.seekable(); errno != guestfs.OK {
		return errno
	}
	if g.u32(3) > lastAdvice || int64(g.args[1]) < 0 || int64(g.args[2]) < 0 {
		return guestfs.EINVAL
	}
	return guestfs.OK
}

// fdAllocate makes a file as large as asked, by zeros at its end.
func (s *State) fdAllocate(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.writable(g.u32(0), rightFdAllocate)
	if errno != guestfs.OK {
		return errno
	}
	offset, length := int64(g.args[1]), int64(g.args[2])
	switch {
	case offset < 0 || length <= 0:
		return guestfs.EINVAL
	case offset > math.MaxInt64-length:
		return guestfs.EFBIG
	}
	stat, errno := d.file.Stat()
	if errno != guestfs.OK || stat.Size >= offset+length {
		return errno
	}
	return d.file.Truncate(offset + length)
}

// writable finds a regular file that is open for writing.
func (s *State) writable(fd uint32, need rights) (*descriptor, guestfs.Errno) {
	d, errno := s.descriptor(fd, need)
	switch {
	case errno != guestfs.OK:
		return nil, errno
	case d.kind == directory:
		return nil, guestfs.EISDIR
	case d.kind != regular:
		return nil, guestfs.EINVAL
	case d.base&rightFdWrite == 0:
		return nil, guestfs.EBADF
	}
	return d, guestfs.OK
}

func (s *State) fdSync(_ context.Context, g guest) guestfs.Errno {
	return s.sync(g.u32(0), rightFdSync)
}

func (s *State) fdDatasync(_ context.Context, g guest) guestfs.Errno {
	return s.sync(g.u32(0), rightFdDatasync)
}

// sync has nothing to do for what has no file: streams and preopens.
func (s *State) sync(fd uint32, need rights) guestfs.Errno {
	d, errno := s.descriptor(fd, need)
	if errno != guestfs.OK || d.file == nil {
		return errno
	}
	return d.file.Sync()
}
