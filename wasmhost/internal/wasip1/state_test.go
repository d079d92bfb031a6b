package wasip1_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func TestArgsAndEnvironment(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{
		Args: []string{"program", "", "x y"}, Env: []string{"A=1", "B=ü"},
	})
	for name, want := range map[string][]string{
		"args": {"program", "", "x y"}, "environ": {"A=1", "B=ü"},
	} {
		count, size := g.room(4), g.room(4)
		g.must(name+"_sizes_get", count, size)
		pointers, buffer := g.room(4*len(want)), g.room(int(g.u32(size)))
		g.must(name+"_get", pointers, buffer)
		if int(g.u32(count)) != len(want) {
			t.Fatalf("%s: got %d strings, want %d", name, g.u32(count), len(want))
		}
		at := buffer
		for i, w := range want {
			if got := uint64(g.u32(pointers + uint64(4*i))); got != at {
				t.Errorf("%s %d is at %d, want %d", name, i, got, at)
			}
			got := g.memory[at : at+uint64(len(w))+1]
			if !bytes.Equal(got, append([]byte(w), 0)) {
				t.Errorf("%s %d: got %q, want %q", name, i, got, w)
			}
			at += uint64(len(w)) + 1
		}
		if at != buffer+uint64(g.u32(size)) {
			t.Errorf("%s: got size %d, want %d", name, g.u32(size), at-buffer)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	draw := func(random wasip1.Random, n int) []byte {
		g := newGuest(t, wasip1.Config{Random: random})
		g.memory = make([]byte, n)
		g.must("random_get", 0, uint64(n))
		return g.memory
	}
	seed := wasip1.Random{Kind: wasip1.SeededRandom, Seed: [32]byte{1}}
	other := wasip1.Random{Kind: wasip1.SeededRandom, Seed: [32]byte{2}}
	const large = 1 << 20 // several chunks
	a := draw(seed, large)
	if !bytes.Equal(a, draw(seed, large)) {
		t.Error("one seed gave two sequences")
	}
	if bytes.Equal(a, draw(other, large)) {
		t.Error("two seeds gave one sequence")
	}
	secure := draw(wasip1.Random{}, large)
	if bytes.Equal(secure, draw(wasip1.Random{}, large)) {
		t.Error("secure randomness repeats")
	}
	for _, b := range [][]byte{a, secure} {
		if bytes.Equal(b[large-64:], make([]byte, 64)) {
			t.Error("the end was not filled")
		}
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{})
	defer func() {
		if got := recover(); got != (wasip1.Exit{Code: 4294967295}) {
			t.Errorf("got %v, want the exit", got)
		}
	}()
	_ = g.call("proc_exit", 1<<32-1)
}

func TestNoSocketsOrSignals(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{})
	g.want(guestfs.ENOSYS, "proc_raise", 6)
	for name, args := range map[string][]uint64{
		"sock_accept": {0, 0, 16}, "sock_recv": {0, 0, 0, 0, 0, 0},
		"sock_send": {0, 0, 0, 0, 0}, "sock_shutdown": {0, 0},
	} {
		g.want(guestfs.ENOTSOCK, name, args...)
		args[0] = 3
		g.want(guestfs.EBADF, name, args...)
	}
	g.must("sched_yield")
}

func TestCallsAreCounted(t *testing.T) {
	t.Parallel()
	g := newGuest(t, wasip1.Config{})
	for range 3 {
		g.must("sched_yield")
	}
	g.want(guestfs.EBADF, "fd_close", 77)
	got := maps.Collect(g.state.Calls())
	if want := map[string]uint64{"sched_yield": 3, "fd_close": 1}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTouched(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(g *guest, old uint64) // old was open at Mark, at position 3
		want bool
	}{
		{"nothing", func(*guest, uint64) {}, false},
		{"open", func(g *guest, _ uint64) { g.open("f", 0, 0) }, true},
		{"open and close", func(g *guest, _ uint64) {
			fd := g.open("f", 0, appending)
			g.write(fd, "x")
			g.seek(fd, 0, 0)
			g.must("fd_close", fd)
		}, false},
		{"close", func(g *guest, old uint64) { g.must("fd_close", old) }, true},
		{"close stdin", func(g *guest, _ uint64) { g.must("fd_close", 0) }, true},
		{"replace", func(g *guest, old uint64) {
			g.must("fd_close", old)
			g.open("f", 0, 0)
		}, true},
		{"renumber", func(g *guest, old uint64) { g.must("fd_renumber", old, 2) }, true},
		{"renumber new over old", func(g *guest, old uint64) {
			g.must("fd_renumber", g.open("f", 0, 0), old)
		}, true},
		{"seek", func(g *guest, old uint64) { g.seek(old, 1, 0) }, true},
		{"tell", func(g *guest, old uint64) { g.seek(old, 0, 1) }, false},
		{"read", func(g *guest, old uint64) { g.seek(old, 0, 0); g.read(old, 1) }, true},
		{"read nothing", func(g *guest, old uint64) { g.read(old, 1) }, false},
		{"pread", func(g *guest, old uint64) {
			list, n := g.vectors(g.room(2), 2)
			g.must("fd_pread", old, list, n, 0, g.room(4))
		}, false},
		{"write", func(g *guest, old uint64) { g.write(old, "x") }, true},
		{"write a line", func(g *guest, _ uint64) { g.write(1, "x") }, false},
		{"flags", func(g *guest, old uint64) { g.must("fd_fdstat_set_flags", old, appending) }, true},
		{"the same flags", func(g *guest, old uint64) {
			g.must("fd_fdstat_set_flags", old, 0)
			g.must("fd_fdstat_set_flags", old, nonblock)
			g.must("fd_fdstat_set_flags", 1, nonblock)
		}, false},
		{"rights", func(g *guest, old uint64) { g.must("fd_fdstat_set_rights", old, 0, 0) }, true},
		{"stdin", func(g *guest, _ uint64) { g.read(0, 1) }, true},
		{"list", func(g *guest, _ uint64) { g.readdir(preopenFD, 100) }, false},
		{"marked again", func(g *guest, old uint64) {
			g.must("fd_close", old)
			g.open("f", 0, 0)
			g.state.Mark()
		}, false},
	} {
		g := newGuest(t, wasip1.Config{
			Stdin: []byte("x"),
			Preopens: []wasip1.Preopen{
				{GuestPath: "/", FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))},
			},
		})
		if g.state.Touched() {
			t.Error("a new state is touched")
		}
		old := g.open("f", create, 0)
		g.write(old, "abc")
		g.state.Mark()
		c.do(g, old)
		if got := g.state.Touched(); got != c.want {
			t.Errorf("%s: got touched %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReadEnvironment(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	if got := g.state.ReadEnvironment(); got != (wasip1.Environment{}) {
		t.Errorf("got %+v from a new state", got)
	}
	at := g.room(64)
	for _, c := range []struct {
		do   func()
		fact func(wasip1.Environment) bool
	}{
		{func() { g.must("args_sizes_get", at, at) }, func(e wasip1.Environment) bool { return e.Args }},
		{func() { g.must("environ_get", at, at+8) }, func(e wasip1.Environment) bool { return e.Environ }},
		{func() { g.must("fd_prestat_get", 3, at) }, func(e wasip1.Environment) bool { return e.Preopens }},
		{func() { g.open("f", create, 0) }, func(e wasip1.Environment) bool { return e.Files }},
		{func() { g.read(0, 1) }, func(e wasip1.Environment) bool { return e.Stdin }},
		{func() { g.now(0) }, func(e wasip1.Environment) bool { return e.Clock }},
		{func() { g.must("random_get", at, 4) }, func(e wasip1.Environment) bool { return e.Random }},
	} {
		if c.fact(g.state.ReadEnvironment()) {
			t.Errorf("known before it was asked for: %+v", g.state.ReadEnvironment())
		}
		c.do()
		if !c.fact(g.state.ReadEnvironment()) {
			t.Errorf("not known: %+v", g.state.ReadEnvironment())
		}
	}
}

// closing counts the files of a tree that are not closed yet.
type closing struct {
	guestfs.FS
	open int
	stat guestfs.Errno // of an open file
	says guestfs.Errno // on closing one
}

type closingFile struct {
	guestfs.File
	tree *closing
}

func (c *closing) Open(path string, flags guestfs.OpenFlags) (guestfs.File, guestfs.Errno) {
	f, errno := c.FS.Open(path, flags)
	if errno == guestfs.OK {
		c.open++
	}
	return closingFile{f, c}, errno
}

func (f closingFile) Stat() (guestfs.Stat, guestfs.Errno) {
	if f.tree.stat != guestfs.OK {
		return guestfs.Stat{}, f.tree.stat
	}
	return f.File.Stat()
}

func (f closingFile) Close() guestfs.Errno {
	f.tree.open--
	f.File.Close()
	return f.tree.says
}

func TestCloseClosesAll(t *testing.T) {
	t.Parallel()
	tree := &closing{FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))}
	s := wasip1.New(wasip1.Config{Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}}})
	g := &guest{t: t, state: s, memory: make([]byte, memorySize), next: 16}
	for range 5 {
		g.open("f", create, 0)
	}
	g.must("fd_close", 5)
	g.must("fd_renumber", 4, 6)
	g.readdir(preopenFD, 100)
	if tree.open != 3 {
		t.Errorf("got %d open files, want 3", tree.open)
	}
	tree.stat = guestfs.EACCES
	if _, errno := g.tryOpen(preopenFD, "f", 0, 0); errno != guestfs.EACCES || tree.open != 3 {
		t.Errorf("got errno %d and %d open files, want EACCES and 3", errno, tree.open)
	}
	tree.says = guestfs.EIO
	if err := s.Close(); !errors.Is(err, guestfs.EIO) || tree.open != 0 {
		t.Errorf("got %v and %d open files, want EIO and none", err, tree.open)
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
	g.want(guestfs.EBADF, "fd_close", 3)
	g.want(guestfs.EBADF, "fd_fdstat_get", 1, 16)
}
