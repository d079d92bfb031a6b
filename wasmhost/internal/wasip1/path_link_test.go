package wasip1_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// Links that are in a directory of the machine already are followed if they stay
// in it, and asked for.
func TestLinksOfTheMachine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("making links needs rights there")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"in": "file", "out": "../../../../../../etc/passwd", "dir": ".", "loop": "loop",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := guestfs.OpenDir(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	g := newGuest(t, wasip1.Config{Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}}})
	out := g.room(4)
	open := func(name string, lookup uint64) guestfs.Errno {
		at, n := g.text(name)
		return g.call("path_open", preopenFD, lookup, at, n, 0, fdRead, 0, 0, out)
	}
	if errno := open("in", follow); errno != guestfs.OK {
		t.Errorf("open in: errno %d", errno)
	} else if got := g.read(uint64(g.u32(out)), 100); got != "content" {
		t.Errorf("got %q through the link", got)
	}
	if errno := open("in", 0); errno != guestfs.ELOOP {
		t.Errorf("open in without following: got errno %d, want ELOOP", errno)
	}
	if errno := open("dir/", 0); errno != guestfs.OK {
		t.Errorf("open dir/, which follows: got errno %d", errno)
	}
	for _, name := range []string{"out", "loop", "dir/out", "out/"} {
		if errno := open(name, follow); errno == guestfs.OK {
			t.Errorf("open %s went well", name)
		}
	}
	fileType := func(name string, lookup uint64) byte {
		args := g.stat(name)
		args[1] = lookup
		g.must("path_filestat_get", args...)
		return g.memory[args[4]+16]
	}
	for _, c := range []struct {
		name   string
		lookup uint64
		want   guestfs.FileType
	}{
		{"in", 0, guestfs.TypeLink},
		{"in", follow, guestfs.TypeRegular},
		{"dir", 0, guestfs.TypeLink},
		{"dir/", 0, guestfs.TypeDirectory},
		{"out", 0, guestfs.TypeLink},
	} {
		if got := fileType(c.name, c.lookup); got != byte(c.want) {
			t.Errorf("%s, lookup %d: got type %d, want %d", c.name, c.lookup, got, c.want)
		}
	}
	g.testReadlink(out)
}

func (g *guest) testReadlink(out uint64) {
	g.t.Helper()
	for size, want := range map[int]string{100: "file", 4: "file", 2: "fi", 0: ""} {
		at, n := g.text("in")
		to := g.room(size)
		g.must("path_readlink", preopenFD, at, n, to, uint64(size), out)
		if got := string(g.memory[to : to+uint64(g.u32(out))]); got != want {
			g.t.Errorf("readlink into %d bytes: got %q, want %q", size, got, want)
		}
	}
	at, n := g.text("dir/")
	g.want(guestfs.EINVAL, "path_readlink", preopenFD, at, n, 0, 0, out)
}

// syncing counts how often its files are synced.
type syncing struct {
	guestfs.FS
	times int
}

type syncingFile struct {
	guestfs.File
	tree *syncing
}

func (s *syncing) Open(path string, flags guestfs.OpenFlags) (guestfs.File, guestfs.Errno) {
	f, errno := s.FS.Open(path, flags)
	return syncingFile{f, s}, errno
}

func (f syncingFile) Sync() guestfs.Errno {
	f.tree.times++
	return f.File.Sync()
}

func TestSyncFlags(t *testing.T) {
	t.Parallel()
	const dsync, rsync, sync = 2, 8, 16
	tree := &syncing{FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))}
	g := newGuest(t, wasip1.Config{Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}}})
	for flags, want := range map[uint64]int{0: 0, rsync: 0, dsync: 2, sync: 2, sync | appending: 2} {
		tree.times = 0
		fd := g.open("f", create, flags)
		g.write(fd, "x")
		at, n := g.text("y")
		list, count := g.vectors(at, int(n))
		g.must("fd_pwrite", fd, list, count, 0, g.room(4))
		if tree.times != want {
			t.Errorf("flags %d: synced %d times in two writes, want %d", flags, tree.times, want)
		}
		g.must("fd_sync", fd)
		g.must("fd_datasync", fd)
		if tree.times != want+2 {
			t.Errorf("flags %d: synced %d times, want %d", flags, tree.times, want+2)
		}
	}
}
