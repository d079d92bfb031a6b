package wasip1_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func TestStreams(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	g := newGuest(t, wasip1.Config{
		Stdin: []byte("hello world"), Stdout: &stdout, Stderr: &stderr,
	})
	if got := g.read(0, 5); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
	if got := g.read(0, 100); got != " world" {
		t.Errorf("got %q, want the rest", got)
	}
	if got := g.read(0, 100); got != "" {
		t.Errorf("got %q after the end", got)
	}
	g.write(1, "out")
	g.write(2, "err")
	if stdout.String() != "out" || stderr.String() != "err" {
		t.Errorf("got %q and %q", &stdout, &stderr)
	}
	if g.state.BytesRead() != 11 || g.state.BytesWritten() != 6 {
		t.Errorf("got %d read, %d written, want 11 and 6",
			g.state.BytesRead(), g.state.BytesWritten())
	}
	list, count := g.vectors(g.room(8), 8)
	out := g.room(8)
	g.want(guestfs.EBADF, "fd_read", 1, list, count, out)
	g.want(guestfs.EBADF, "fd_write", 0, list, count, out)
	g.want(guestfs.EBADF, "fd_read", 9, list, count, out)
	g.want(guestfs.EBADF, "fd_read", 1<<32-1, list, count, out)
	g.want(guestfs.ESPIPE, "fd_pread", 0, list, count, 0, out)
	g.want(guestfs.ESPIPE, "fd_pwrite", 1, list, count, 0, out)
	g.want(guestfs.ESPIPE, "fd_seek", 0, 0, 0, out)
	g.want(guestfs.ESPIPE, "fd_tell", 1, out)
	g.want(guestfs.ESPIPE, "fd_advise", 1, 0, 0, 0)
	g.want(guestfs.EINVAL, "fd_allocate", 1, 0, 1)
	g.want(guestfs.EINVAL, "fd_filestat_set_size", 1, 0)
	g.want(guestfs.EINVAL, "fd_filestat_set_times", 1, 0, 0, 0)
	g.must("fd_sync", 1)
}

// failingWriter takes some bytes and then fails.
type failingWriter struct {
	room int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestOutputFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want guestfs.Errno
	}{
		{guestfs.ENOSPC, guestfs.ENOSPC},
		{fmt.Errorf("wrapped: %w", guestfs.EPIPE), guestfs.EPIPE},
		{errors.New("anything"), guestfs.EIO},
		{guestfs.OK, guestfs.EIO},
	} {
		g := newGuest(t, wasip1.Config{Stdout: &failingWriter{room: 5, err: c.err}})
		list, count := g.vectors(g.room(12), 3, 3, 3)
		out := g.room(4)
		g.must("fd_write", 1, list, count, out)
		if got := g.u32(out); got != 5 {
			t.Errorf("got %d bytes written, want the 5 before the error", got)
		}
		g.want(c.want, "fd_write", 1, list, count, out)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd := g.open("f", create, 0)
	g.write(fd, "0123456789")
	for _, c := range []struct {
		delta  int64
		whence uint64
		want   uint64
	}{
		{3, 0, 3}, {4, 1, 7}, {-7, 1, 0}, {-1, 2, 9}, {0, 1, 9}, {5, 2, 15}, {0, 0, 0},
	} {
		if got := g.seek(fd, c.delta, c.whence); got != c.want {
			t.Errorf("seek %d from %d: got %d, want %d", c.delta, c.whence, got, c.want)
		}
		out := g.room(8)
		if g.must("fd_tell", fd, out); g.u64(out) != c.want {
			t.Errorf("tell: got %d, want %d", g.u64(out), c.want)
		}
	}
	out := g.room(8)
	minus := func(n int64) uint64 { return uint64(-n) }
	g.want(guestfs.EINVAL, "fd_seek", fd, minus(1), 0, out)
	g.want(guestfs.EINVAL, "fd_seek", fd, minus(11), 2, out)
	g.want(guestfs.EINVAL, "fd_seek", fd, 0, 3, out)
	g.want(guestfs.EINVAL, "fd_seek", fd, 1<<63, 1, out)
	g.seek(fd, 1, 0)
	g.want(guestfs.EOVERFLOW, "fd_seek", fd, math.MaxInt64, 1, out)
	g.want(guestfs.EBADF, "fd_seek", preopenFD, 0, 0, out)
	if got := g.read(fd, 3); got != "123" {
		t.Errorf("got %q, want 123", got)
	}
}

func TestPositionsAtTheLimit(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd := g.open("f", create, 0)
	list, count := g.vectors(g.room(8), 8)
	out := g.room(8)
	g.want(guestfs.EINVAL, "fd_pread", fd, list, count, 1<<63, out)
	g.want(guestfs.EINVAL, "fd_pwrite", fd, list, count, 1<<64-1, out)
	g.want(guestfs.EFBIG, "fd_pwrite", fd, list, count, math.MaxInt64-3, out)
	g.seek(fd, math.MaxInt64, 0)
	g.want(guestfs.EFBIG, "fd_write", fd, list, count, out)
	g.must("fd_read", fd, list, count, out)
	g.want(guestfs.EFBIG, "fd_allocate", fd, math.MaxInt64, 1)
	g.want(guestfs.EINVAL, "fd_allocate", fd, 0, 0)
	g.want(guestfs.EINVAL, "fd_allocate", fd, 1<<63, 1)
	g.want(guestfs.EFBIG, "fd_filestat_set_size", fd, 1<<63)
	g.want(guestfs.EINVAL, "fd_advise", fd, 0, 0, 6)
	g.must("fd_advise", fd, 0, 0, 5)
	g.want(guestfs.ENOSPC, "fd_allocate", fd, 0, 1<<30) // over the quota of the tree
}

func TestPreadAndPwriteLeaveThePosition(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd := g.open("f", create, 0)
	g.write(fd, "abcdef")
	at, _ := g.text("XY")
	list, count := g.vectors(at, 1, 1)
	out := g.room(4)
	g.must("fd_pwrite", fd, list, count, 2, out)
	if got := g.u32(out); got != 2 {
		t.Errorf("got %d written, want 2", got)
	}
	to := g.room(8)
	list, count = g.vectors(to, 2, 3)
	g.must("fd_pread", fd, list, count, 1, out)
	if got := string(g.memory[to : to+5]); got != "bXYef" || g.u32(out) != 5 {
		t.Errorf("got %q, %d bytes, want bXYef", got, g.u32(out))
	}
	if got := g.seek(fd, 0, 1); got != 6 {
		t.Errorf("got position %d, want 6", got)
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd, other := g.open("log", create, appending), g.open("log", 0, 0)
	g.write(fd, "one")
	g.write(other, "ONE+")
	g.write(fd, "two")
	if got := g.seek(fd, 0, 1); got != 7 {
		t.Errorf("got position %d after appending, want 7", got)
	}
	g.seek(fd, 0, 0)
	if got := g.read(fd, 100); got != "ONE+two" {
		t.Errorf("got %q, want ONE+two", got)
	}
}

// A list of buffers that is too long is an error; one whose buffers are more
// than one call moves is cut short, even where they all are the same bytes.
func TestVectorLimits(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{Stdout: io.Discard})
	g.memory = make([]byte, 1<<20)
	const list, out = 1 << 10, 8
	for i := range 1025 {
		le.PutUint32(g.memory[list+8*i:], 16<<10)
		le.PutUint32(g.memory[list+8*i+4:], 500_000)
	}
	g.want(guestfs.EINVAL, "fd_write", 1, list, 1025, out)
	g.want(guestfs.EINVAL, "fd_write", 1, list, 1<<32-1, out)
	g.must("fd_write", 1, list, 1024, out)
	if got := g.u32(out); got != 16<<20 {
		t.Errorf("got %d bytes written, want 16 MiB", got)
	}
	g.must("fd_write", 1, list, 0, out)
	if got := g.u32(out); got != 0 {
		t.Errorf("got %d bytes written from no buffers", got)
	}
}

// A read that overwrites its own list of buffers ends there.
func TestReadOverItsVectors(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{Stdin: []byte(strings.Repeat("\xff", 100))})
	list, out := g.room(32), g.room(4)
	for i := range uint64(4) {
		le.PutUint32(g.memory[list+8*i:], uint32(list))
		le.PutUint32(g.memory[list+8*i+4:], 32)
	}
	g.must("fd_read", 0, list, 4, out)
	if got := g.u32(out); got != 32 {
		t.Errorf("got %d bytes, want those of the first buffer", got)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	g.write(g.open("f", create, 0), "content")
	at, n := g.text("f")
	out := g.room(8)
	openFor := func(rights uint64) uint64 {
		g.must("path_open", preopenFD, 0, at, n, 0, rights, 0, 0, out)
		return uint64(g.u32(out))
	}
	list, count := g.vectors(g.room(8), 4)
	readOnly, writeOnly, neither := openFor(fdRead), openFor(fdWrite), openFor(0)
	g.want(guestfs.EBADF, "fd_write", readOnly, list, count, out)
	g.want(guestfs.EBADF, "fd_pwrite", readOnly, list, count, 0, out)
	g.want(guestfs.EBADF, "fd_allocate", readOnly, 0, 100)
	g.want(guestfs.EBADF, "fd_filestat_set_size", readOnly, 0)
	g.want(guestfs.EBADF, "fd_read", writeOnly, list, count, out)
	g.must("fd_read", neither, list, count, out)
	g.want(guestfs.EISDIR, "fd_read", preopenFD, list, count, out)
	g.want(guestfs.EISDIR, "fd_filestat_set_size", preopenFD, 0)
}
