package wasip1_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func TestLowestDescriptorIsReused(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	for want := range uint64(6) {
		if got := g.open("f", create, 0); got != want+4 {
			t.Fatalf("got %d, want %d", got, want+4)
		}
	}
	for _, fd := range []uint64{7, 5, 0} {
		g.must("fd_close", fd)
		g.want(guestfs.EBADF, "fd_close", fd)
	}
	for _, want := range []uint64{0, 5, 7, 10} {
		if got := g.open("f", 0, 0); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	if got := g.state.OpenCount(); got != 8 {
		t.Errorf("got %d open, want 8", got)
	}
}

func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{-1: 0, 3: 3, 0: wasip1.DefaultOpenFiles} {
		g := newGuest(t, wasip1.Config{
			OpenFiles: limit,
			Preopens: []wasip1.Preopen{
				{GuestPath: "/", FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))},
			},
		})
		for range want {
			g.open("f", create, 0)
		}
		if _, errno := g.tryOpen(preopenFD, "new", create, 0); errno != guestfs.EMFILE {
			t.Errorf("limit %d: got errno %d, want EMFILE", limit, errno)
		}
		g.want(guestfs.ENOENT, "path_filestat_get", g.stat("new")...)
		if want > 0 {
			g.must("fd_close", 4)
			g.open("new", create, 0)
		}
	}
}

// stat are the arguments of path_filestat_get.
func (g *guest) stat(name string) []uint64 {
	g.t.Helper()
	at, n := g.text(name)
	return []uint64{preopenFD, follow, at, n, g.room(64)}
}

func TestRenumber(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	a, b := g.open("a", create, 0), g.open("b", create, 0)
	g.write(a, "in a")
	g.must("fd_renumber", a, b)
	g.want(guestfs.EBADF, "fd_renumber", a, b)
	g.want(guestfs.EBADF, "fd_renumber", b, 100)
	g.want(guestfs.EBADF, "fd_renumber", b, 1<<32-1)
	g.must("fd_renumber", b, b)
	g.seek(b, 0, 0)
	if got := g.read(b, 10); got != "in a" {
		t.Errorf("got %q, want what is in a", got)
	}
	if got := g.state.OpenCount(); got != 1 {
		t.Errorf("got %d open, want 1", got)
	}
	g.must("fd_renumber", b, 1) // over stdout
	g.write(1, "!")
	g.seek(1, 0, 0)
	if got := g.read(1, 10); got != "in a!" {
		t.Errorf("got %q, want what was added", got)
	}
	g.must("fd_renumber", preopenFD, 0)
	g.want(guestfs.EBADF, "fd_prestat_get", preopenFD, g.room(8))
	if _, errno := g.tryOpen(0, "a", 0, 0); errno != guestfs.OK {
		t.Errorf("open from the preopen's new number: errno %d", errno)
	}
}

func TestPreopens(t *testing.T) {
	t.Parallel()
	quota := guestfs.NewQuota(1 << 20)
	g := newGuest(t, wasip1.Config{Preopens: []wasip1.Preopen{
		{GuestPath: "/data", FS: guestfs.NewMemory(quota)},
		{GuestPath: "/ü", FS: guestfs.NewMemory(quota)},
	}})
	for fd, want := range map[uint64]string{3: "/data", 4: "/ü"} {
		out, name := g.room(8), g.room(16)
		g.must("fd_prestat_get", fd, out)
		if g.u32(out) != 0 || int(g.u32(out+4)) != len(want) {
			t.Errorf("got %d, %d, want a directory of %d bytes", g.u32(out), g.u32(out+4), len(want))
		}
		g.must("fd_prestat_dir_name", fd, name, uint64(len(want)))
		if got := string(g.memory[name : name+uint64(len(want))]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		g.want(guestfs.ENAMETOOLONG, "fd_prestat_dir_name", fd, name, 1)
	}
	for _, fd := range []uint64{0, 2, 5, g.open("d", create, 0)} {
		g.want(guestfs.EBADF, "fd_prestat_get", fd, g.room(8))
		g.want(guestfs.EBADF, "fd_prestat_dir_name", fd, g.room(8), 8)
	}
}

func TestFdstat(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd := g.open("f", create, appending|nonblock)
	g.mkdir("d")
	dir := g.open("d", asDir, appending)
	for _, c := range []struct {
		fd       uint64
		fileType byte
		flags    byte
		has, not uint64
	}{
		{0, 0, 0, fdRead, fdWrite | fdSeek | fdTell},
		{1, 2, 0, fdWrite, fdRead | fdSeek | fdTell},
		{2, 2, 0, fdWrite, fdRead | fdSeek | fdTell},
		{3, 3, 0, pathOpen, fdRead | fdWrite},
		{dir, 3, 0, pathOpen, fdRead | fdWrite},
		{fd, 4, appending, fdRead | fdWrite | fdSeek, pathOpen},
	} {
		out := g.room(24)
		g.must("fd_fdstat_get", c.fd, out)
		if g.memory[out] != c.fileType || g.memory[out+2] != c.flags {
			t.Errorf("descriptor %d: got type %d, flags %d, want %d, %d",
				c.fd, g.memory[out], g.memory[out+2], c.fileType, c.flags)
		}
		if base := g.u64(out + 8); base&c.has != c.has || base&c.not != 0 {
			t.Errorf("descriptor %d: got rights %b, want %b without %b", c.fd, base, c.has, c.not)
		}
	}
	g.want(guestfs.EINVAL, "fd_fdstat_set_flags", fd, 32)
	g.must("fd_fdstat_set_flags", fd, 0)
	g.must("fd_fdstat_set_flags", 1, nonblock)
}

// What a guest gives up is gone, for what it opens from there too.
func TestRightsOnlyShrink(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	fd := g.open("f", create, 0)
	out := g.room(24)
	g.must("fd_fdstat_get", fd, out)
	base := g.u64(out + 8)
	g.must("fd_fdstat_set_rights", fd, base&^(fdSeek|fdWrite), 0)
	g.want(guestfs.ENOTCAPABLE, "fd_fdstat_set_rights", fd, base, 0)
	g.want(guestfs.ENOTCAPABLE, "fd_seek", fd, 0, 0, g.room(8))
	g.must("fd_seek", fd, 0, 1, g.room(8)) // it may still tell
	list, count := g.vectors(g.room(8), 8)
	g.want(guestfs.ENOTCAPABLE, "fd_write", fd, list, count, out)
	g.must("fd_read", fd, list, count, out)

	g.must("fd_fdstat_get", preopenFD, out)
	g.must("fd_fdstat_set_rights", preopenFD, g.u64(out+8)&^(1<<9), g.u64(out+16)&^fdWrite)
	if errno := g.path("path_create_directory", "d"); errno != guestfs.ENOTCAPABLE {
		t.Errorf("got errno %d, want ENOTCAPABLE", errno)
	}
	inner := g.open("f", 0, 0)
	g.want(guestfs.ENOTCAPABLE, "fd_write", inner, list, count, out)
}
