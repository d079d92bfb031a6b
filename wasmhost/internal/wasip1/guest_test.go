package wasip1_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
	"github.com/tetratelabs/wazero/api"
)

var le = binary.LittleEndian

var functions = wasip1.Functions()

// Rights and flags as a guest writes them.
const (
	fdRead     = 1 << 1
	fdSeek     = 1 << 2
	fdTell     = 1 << 5
	fdWrite    = 1 << 6
	pathOpen   = 1 << 13
	allRights  = 1<<28 - 1
	create     = 1
	asDir      = 2
	exclusive  = 4
	truncate   = 8
	appending  = 1
	nonblock   = 4
	follow     = 1
	preopenFD  = 3
	memorySize = 64 << 10
)

// guest calls functions as a module would. Memory from scratch on is handed out
// by its methods.
type guest struct {
	t      *testing.T
	state  *wasip1.State
	memory []byte
	next   uint32
}

func newGuest(t *testing.T, config wasip1.Config) *guest {
	t.Helper()
	g := &guest{t: t, state: wasip1.New(config), memory: make([]byte, memorySize), next: 16}
	t.Cleanup(func() {
		if err := g.state.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

// newTreeGuest has an empty tree in memory as its only preopen.
func newTreeGuest(t *testing.T) *guest {
	t.Helper()
	return newGuest(t, wasip1.Config{
		Args: []string{"program", "-x"},
		Env:  []string{"A=1"},
		Preopens: []wasip1.Preopen{
			{GuestPath: "/", FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))},
		},
		Clock: wasip1.Clock{Kind: wasip1.VirtualClock},
	})
}

func (g *guest) call(name string, args ...uint64) guestfs.Errno {
	g.t.Helper()
	return run(g.t.Context(), g.t, g.state, g.memory, name, args...)
}

func run(
	ctx context.Context, tb testing.TB, s *wasip1.State, memory []byte, name string, args ...uint64,
) guestfs.Errno {
	tb.Helper()
	fn := find(tb, name)
	if len(fn.Params) != len(args) {
		tb.Fatalf("%s takes %d arguments, not %d", name, len(fn.Params), len(args))
	}
	return fn.Run(ctx, s, memory, args)
}

func find(tb testing.TB, name string) wasip1.Function {
	tb.Helper()
	for _, f := range functions {
		if f.Name == name {
			return f
		}
	}
	tb.Fatalf("no function %s", name)
	return wasip1.Function{}
}

func (g *guest) must(name string, args ...uint64) {
	g.t.Helper()
	g.want(guestfs.OK, name, args...)
}

func (g *guest) want(want guestfs.Errno, name string, args ...uint64) {
	g.t.Helper()
	if got := g.call(name, args...); got != want {
		g.t.Fatalf("%s%v: got errno %d, want %d", name, args, got, want)
	}
}

// room hands out n zero bytes of memory.
func (g *guest) room(n int) uint64 {
	g.t.Helper()
	at := g.next
	g.next += uint32(n+7) &^ 7
	if int(g.next) > len(g.memory) {
		g.t.Fatal("test guest is out of memory")
	}
	clear(g.memory[at:g.next])
	return uint64(at)
}

func (g *guest) u32(at uint64) uint32 { return le.Uint32(g.memory[at:]) }
func (g *guest) u64(at uint64) uint64 { return le.Uint64(g.memory[at:]) }

// text puts a string into memory and answers with where and how long it is.
func (g *guest) text(s string) (at, length uint64) {
	g.t.Helper()
	at = g.room(len(s))
	copy(g.memory[at:], s)
	return at, uint64(len(s))
}

// vectors makes a list of buffers of the given lengths, in a row from at.
func (g *guest) vectors(at uint64, lengths ...int) (list, count uint64) {
	g.t.Helper()
	list = g.room(8 * len(lengths))
	for i, n := range lengths {
		le.PutUint32(g.memory[list+uint64(8*i):], uint32(at))
		le.PutUint32(g.memory[list+uint64(8*i)+4:], uint32(n))
		at += uint64(n)
	}
	return list, uint64(len(lengths))
}

// tryOpen opens for reading and writing, but a directory for reading.
func (g *guest) tryOpen(dir uint64, name string, oflags, fdflags uint64) (uint64, guestfs.Errno) {
	g.t.Helper()
	rights := uint64(allRights)
	if oflags&asDir != 0 {
		rights &^= fdWrite
	}
	at, n := g.text(name)
	out := g.room(4)
	errno := g.call("path_open", dir, follow, at, n, oflags, rights, allRights, fdflags, out)
	return uint64(g.u32(out)), errno
}

func (g *guest) open(name string, oflags, fdflags uint64) uint64 {
	g.t.Helper()
	fd, errno := g.tryOpen(preopenFD, name, oflags, fdflags)
	if errno != guestfs.OK {
		g.t.Fatalf("open %q: errno %d", name, errno)
	}
	return fd
}

func (g *guest) write(fd uint64, s string) {
	g.t.Helper()
	at, n := g.text(s)
	list, count := g.vectors(at, int(n))
	out := g.room(4)
	g.must("fd_write", fd, list, count, out)
	if int(g.u32(out)) != len(s) {
		g.t.Fatalf("write: got %d of %d bytes", g.u32(out), len(s))
	}
}

func (g *guest) read(fd uint64, most int) string {
	g.t.Helper()
	at := g.room(most)
	list, count := g.vectors(at, most)
	out := g.room(4)
	g.must("fd_read", fd, list, count, out)
	return string(g.memory[at : at+uint64(g.u32(out))])
}

func (g *guest) seek(fd uint64, delta int64, whence uint64) uint64 {
	g.t.Helper()
	out := g.room(8)
	g.must("fd_seek", fd, uint64(delta), whence, out)
	return g.u64(out)
}

func (g *guest) mkdir(name string) {
	g.t.Helper()
	if errno := g.path("path_create_directory", name); errno != guestfs.OK {
		g.t.Fatalf("create %s: errno %d", name, errno)
	}
}

// path calls a function that takes a directory and a path.
func (g *guest) path(name, at string) guestfs.Errno {
	g.t.Helper()
	p, n := g.text(at)
	return g.call(name, preopenFD, p, n)
}

func TestFunctionsAreAllOfPreview1(t *testing.T) {
	t.Parallel()
	if got, want := len(functions), 46; got != want {
		t.Errorf("got %d functions, want %d", got, want)
	}
	if !slices.IsSortedFunc(functions[6:27], func(a, b wasip1.Function) int {
		return bytes.Compare([]byte(a.Name), []byte(b.Name))
	}) {
		t.Error("fd functions are out of order")
	}
	for _, f := range functions {
		want := []api.ValueType{api.ValueTypeI32}
		if f.Name == "proc_exit" {
			want = nil
		}
		if !slices.Equal(f.Results, want) {
			t.Errorf("%s: got results %v, want %v", f.Name, f.Results, want)
		}
	}
}
