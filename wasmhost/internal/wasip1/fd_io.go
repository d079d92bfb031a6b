package wasip1

import (
	"context"
	"errors"
	"io"
	"math"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

func (s *State) fdRead(_ context.Context, g guest) guestfs.Errno {
	d, v, out, errno := s.transfer(g, 3, rightFdRead)
	if errno != guestfs.OK {
		return errno
	}
	n, errno := v.each(func(b []byte) (int, guestfs.Errno) {
		n, errno := s.read(d, b, d.offset)
		d.offset += int64(n)
		return n, errno
	})
	return s.haveRead(d, out, n, errno)
}

func (s *State) fdPread(_ context.Context, g guest) guestfs.Errno {
	d, v, out, errno := s.transfer(g, 4, rightFdRead|rightFdSeek)
	if errno != guestfs.OK {
		return errno
	}
	offset, errno := position(d, g.args[3])
	if errno != guestfs.OK {
		return errno
	}
	n, errno := v.each(func(b []byte) (int, guestfs.Errno) {
		n, errno := s.read(d, b, offset)
		offset += int64(n)
		return n, errno
	})
	return s.haveRead(nil, out, n, errno)
}

func (s *State) fdWrite(_ context.Context, g guest) guestfs.Errno {
	d, v, out, errno := s.transfer(g, 3, rightFdWrite)
	if errno != guestfs.OK {
		return errno
	}
	n, errno := v.each(func(b []byte) (int, guestfs.Errno) {
		n, errno := s.write(d, b, d.offset)
		d.offset += int64(n)
		return n, errno
	})
	if d.kind == regular && n > 0 {
		s.touch(d)
		errno = s.settle(d)
	}
	return s.haveWritten(out, n, errno)
}

func (s *State) fdPwrite(_ context.Context, g guest) guestfs.Errno {
	d, v, out, errno := s.transfer(g, 4, rightFdWrite|rightFdSeek)
	if errno != guestfs.OK {
		return errno
	}
	offset, errno := position(d, g.args[3])
	if errno != guestfs.OK {
		return errno
	}
	n, errno := v.each(func(b []byte) (int, guestfs.Errno) {
		n, errno := writeAt(d.file, b, offset)
		offset += int64(n)
		return n, errno
	})
	if n > 0 {
		errno = syncIfAsked(d)
	}
	return s.haveWritten(out, n, errno)
}

// transfer checks what all four have in common: the descriptor at argument 0,
// vectors at 1 and 2, and the place for the count.
func (s *State) transfer(
	g guest, result int, need rights,
) (d *descriptor, v iovecs, out []byte, errno guestfs.Errno) {
	if d, errno = s.descriptor(g.u32(0), need); errno != guestfs.OK {
		return nil, v, nil, errno
	}
	mode := need & (rightFdRead | rightFdWrite)
	switch {
	case d.kind == directory:
		return nil, v, nil, guestfs.EISDIR
	case d.base&mode == 0:
		return nil, v, nil, guestfs.EBADF
	}
	if v, errno = g.iovecs(1); errno != guestfs.OK {
		return nil, v, nil, errno
	}
	out, errno = g.record(result, 4)
	return d, v, out, errno
}

// position checks the offset of a read or write that leaves the position alone.
func position(d *descriptor, offset uint64) (int64, guestfs.Errno) {
	if errno := d.seekable(); errno != guestfs.OK {
		return 0, errno
	}
	if offset > math.MaxInt64 {
		return 0, guestfs.EINVAL
	}
	return int64(offset), guestfs.OK
}

func (s *State) read(d *descriptor, b []byte, offset int64) (int, guestfs.Errno) {
	if d.kind == stdin {
		s.stdinRead = true
		return copy(b, s.config.Stdin[offset:]), guestfs.OK
	}
	if len(b) == 0 || offset > math.MaxInt64-int64(len(b)) {
		return 0, guestfs.OK // no file is that large
	}
	return d.file.ReadAt(b, offset)
}

func (s *State) write(d *descriptor, b []byte, offset int64) (int, guestfs.Errno) {
	switch {
	case len(b) == 0:
		return 0, guestfs.OK
	case d.kind == stdout:
		return output(s.config.Stdout, b)
	case d.kind == stderr:
		return output(s.config.Stderr, b)
	case d.flags&flagAppend != 0:
		return d.file.Append(b)
	default:
		return writeAt(d.file, b, offset)
	}
}

// output hands bytes to the host's writer, which may be missing.
func output(w io.Writer, b []byte) (int, guestfs.Errno) {
	if w == nil {
		return len(b), guestfs.OK
	}
	n, err := w.Write(b)
	if err == nil {
		return len(b), guestfs.OK
	}
	var errno guestfs.Errno
	if !errors.As(err, &errno) || errno == guestfs.OK {
		errno = guestfs.EIO
	}
	return max(0, min(n, len(b))), errno
}

func writeAt(f guestfs.File, b []byte, offset int64) (int, guestfs.Errno) {
	if offset > math.MaxInt64-int64(len(b)) {
		return 0, guestfs.EFBIG
	}
	return f.WriteAt(b, offset)
}

// settle is what follows a write: the position after an append is the end.
func (s *State) settle(d *descriptor) guestfs.Errno {
	if d.flags&flagAppend != 0 {
		stat, errno := d.file.Stat()
		if errno != guestfs.OK {
			return errno
		}
		d.offset = stat.Size
	}
	return syncIfAsked(d)
}

func syncIfAsked(d *descriptor) guestfs.Errno {
	if d.flags&(flagSync|flagDsync) == 0 {
		return guestfs.OK
	}
	return d.file.Sync()
}

// haveRead ends a read; d is nil if it left the position alone.
func (s *State) haveRead(d *descriptor, out []byte, n int, errno guestfs.Errno) guestfs.Errno {
	if errno != guestfs.OK {
		return errno
	}
	if d != nil && n > 0 {
		s.touch(d)
	}
	s.readBytes += int64(n)
	le.PutUint32(out, uint32(n))
	return guestfs.OK
}

func (s *State) haveWritten(out []byte, n int, errno guestfs.Errno) guestfs.Errno {
	s.writtenBytes += int64(n)
	if errno != guestfs.OK {
		return errno
	}
	le.PutUint32(out, uint32(n))
	return guestfs.OK
}
