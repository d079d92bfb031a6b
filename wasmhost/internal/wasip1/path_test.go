package wasip1_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// newPathGuest has the directories d and d/e, and the files f and d/g.
func newPathGuest(t *testing.T) *guest {
	t.Helper()
	g := newTreeGuest(t)
	for _, name := range []string{"d", "d/e"} {
		g.mkdir(name)
	}
	g.must("fd_close", g.open("f", create, 0))
	g.must("fd_close", g.open("d/g", create, 0))
	return g
}

func TestPathResolution(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	d := g.open("d", asDir, 0)
	e, errno := g.tryOpen(d, "e", asDir, 0)
	if errno != guestfs.OK {
		t.Fatalf("open e: errno %d", errno)
	}
	for _, c := range []struct {
		dir  uint64
		path string
		want guestfs.Errno
	}{
		{preopenFD, "f", guestfs.OK},
		{preopenFD, ".", guestfs.OK},
		{preopenFD, "./d/./e/../g", guestfs.OK},
		{preopenFD, "d//g", guestfs.OK},
		{preopenFD, "d/", guestfs.OK},
		{preopenFD, "d/.", guestfs.OK},
		{preopenFD, "d/e/../..", guestfs.OK},
		{preopenFD, "none/../f", guestfs.OK},
		{preopenFD, "...", guestfs.ENOENT},
		{preopenFD, "", guestfs.ENOENT},
		{preopenFD, "f/", guestfs.ENOTDIR},
		{preopenFD, "f/.", guestfs.ENOTDIR},
		{preopenFD, "f/x", guestfs.ENOTDIR},
		{preopenFD, "/f", guestfs.EPERM},
		{preopenFD, "..", guestfs.EPERM},
		{preopenFD, "../f", guestfs.EPERM},
		{preopenFD, "d/../../f", guestfs.EPERM},
		{preopenFD, "d/e/../../../d", guestfs.EPERM},
		{preopenFD, "a\x00b", guestfs.EINVAL},
		{preopenFD, "a\xffb", guestfs.EILSEQ},
		{preopenFD, strings.Repeat("a", 4097), guestfs.ENAMETOOLONG},
		{preopenFD, strings.Repeat("a/", 2048), guestfs.ENOENT},
		{d, "g", guestfs.OK},
		{d, "../f", guestfs.OK},
		{d, "../../f", guestfs.EPERM},
		{d, strings.Repeat("a/", 2048), guestfs.ENAMETOOLONG},
		{e, "../g", guestfs.OK},
		{e, "../../f", guestfs.OK},
		{e, "../../../f", guestfs.EPERM},
		{0, "f", guestfs.ENOTDIR},
		{99, "f", guestfs.EBADF},
	} {
		at, n := g.text(c.path)
		errno := g.call("path_filestat_get", c.dir, 0, at, n, 0)
		if errno != c.want {
			t.Errorf("%d %.40q: got errno %d, want %d", c.dir, c.path, errno, c.want)
		}
		g.next = uint32(at)
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	for _, c := range []struct {
		path    string
		oflags  uint64
		fdflags uint64
		want    guestfs.Errno
	}{
		{"f", create | exclusive, 0, guestfs.EEXIST},
		{"f", asDir, 0, guestfs.ENOTDIR},
		{"f/", 0, 0, guestfs.ENOTDIR},
		{"new/", create, 0, guestfs.EISDIR},
		{"d", 0, 0, guestfs.EISDIR}, // for writing
		{"d", create | asDir, 0, guestfs.EINVAL},
		{"f", 16, 0, guestfs.EINVAL},
		{"f", 0, 32, guestfs.EINVAL},
		{"none", 0, 0, guestfs.ENOENT},
		{"none/f", create, 0, guestfs.ENOENT},
		{"/f", 0, 0, guestfs.EPERM},
		{"../f", create, 0, guestfs.EPERM},
	} {
		if _, errno := g.tryOpen(preopenFD, c.path, c.oflags, c.fdflags); errno != c.want {
			t.Errorf("%q, flags %d, %d: got errno %d, want %d",
				c.path, c.oflags, c.fdflags, errno, c.want)
		}
	}
	at, n := g.text("f")
	g.want(guestfs.EINVAL, "path_open", preopenFD, 2, at, n, 0, fdRead, 0, 0, g.room(4))
	if got := g.state.OpenCount(); got != 0 {
		t.Errorf("got %d open, want none", got)
	}
	fd := g.open("f", truncate, 0)
	g.write(fd, "content")
	g.open("f", truncate, 0)
	if got := g.seek(fd, 0, 2); got != 0 {
		t.Errorf("got size %d after truncating, want 0", got)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	for _, c := range []struct {
		name, path string
		want       guestfs.Errno
	}{
		{"path_create_directory", "d", guestfs.EEXIST},
		{"path_create_directory", ".", guestfs.EEXIST},
		{"path_create_directory", "new/", guestfs.OK},
		{"path_create_directory", "none/new", guestfs.ENOENT},
		{"path_create_directory", "f/new", guestfs.ENOTDIR},
		{"path_remove_directory", "d", guestfs.ENOTEMPTY},
		{"path_remove_directory", "d/..", guestfs.EBUSY},
		{"path_remove_directory", "f", guestfs.ENOTDIR},
		{"path_remove_directory", "new", guestfs.OK},
		{"path_remove_directory", "new", guestfs.ENOENT},
		{"path_unlink_file", "d", guestfs.EISDIR},
		{"path_unlink_file", "d/", guestfs.EISDIR},
		{"path_unlink_file", ".", guestfs.EISDIR},
		{"path_unlink_file", "f/", guestfs.ENOTDIR},
		{"path_unlink_file", "none/", guestfs.ENOENT},
		{"path_unlink_file", "f", guestfs.OK},
		{"path_unlink_file", "../f", guestfs.EPERM},
	} {
		if errno := g.path(c.name, c.path); errno != c.want {
			t.Errorf("%s %s: got errno %d, want %d", c.name, c.path, errno, c.want)
		}
	}
}

func TestRename(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	for _, c := range []struct {
		from, to string
		want     guestfs.Errno
	}{
		{"f", "f2/", guestfs.ENOTDIR},
		{"f/", "f2", guestfs.ENOTDIR},
		{"f", "f2", guestfs.OK},
		{"d/", "d2/", guestfs.OK},
		{"none", "f", guestfs.ENOENT},
		{".", "x", guestfs.EBUSY},
		{"f2", "d2/..", guestfs.EBUSY},
		{"f2", "../f", guestfs.EPERM},
		{"../f2", "f", guestfs.EPERM},
	} {
		from, n := g.text(c.from)
		to, m := g.text(c.to)
		errno := g.call("path_rename", preopenFD, from, n, preopenFD, to, m)
		if errno != c.want {
			t.Errorf("%s to %s: got errno %d, want %d", c.from, c.to, errno, c.want)
		}
	}
	g.must("path_filestat_get", g.stat("d2/g")...)
}

func TestNoLinks(t *testing.T) {
	t.Parallel()
	quota := guestfs.NewQuota(1 << 20)
	g := newGuest(t, wasip1.Config{Preopens: []wasip1.Preopen{
		{GuestPath: "/", FS: guestfs.NewMemory(quota)},
		{GuestPath: "/b", FS: guestfs.NewMemory(quota)},
	}})
	g.open("f", create, 0)
	at, n := g.text("f")
	to, m := g.text("new")
	up, l := g.text("../new")
	g.want(guestfs.EPERM, "path_symlink", at, n, 3, to, m)
	g.want(guestfs.EBADF, "path_symlink", at, n, 9, to, m)
	g.want(guestfs.EPERM, "path_link", 3, 0, at, n, 3, to, m)
	g.want(guestfs.EXDEV, "path_link", 3, 0, at, n, 4, to, m)
	g.want(guestfs.EXDEV, "path_rename", 3, at, n, 4, to, m)
	g.want(guestfs.EPERM, "path_link", 3, 0, at, n, 3, up, l)
	g.want(guestfs.EINVAL, "path_readlink", 3, at, n, to, m, g.room(4))
	g.want(guestfs.ENOENT, "path_filestat_get", g.stat("new")...)
}

func TestReadOnlyTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	tree, err := guestfs.OpenDir(dir, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	g := newGuest(t, wasip1.Config{Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}}})
	for _, oflags := range []uint64{0, create, truncate} {
		if _, errno := g.tryOpen(preopenFD, "f", oflags, 0); errno != guestfs.EROFS {
			t.Errorf("open for writing, flags %d: got errno %d, want EROFS", oflags, errno)
		}
	}
	for name, at := range map[string]string{
		"path_create_directory": "new", "path_unlink_file": "f", "path_remove_directory": "d",
	} {
		if errno := g.path(name, at); errno != guestfs.EROFS {
			t.Errorf("%s: got errno %d, want EROFS", name, errno)
		}
	}
	at, n := g.text("f")
	out := g.room(4)
	g.must("path_open", preopenFD, follow, at, n, 0, fdRead|fdSeek, 0, 0, out)
	if got := g.read(uint64(g.u32(out)), 100); got != "content" {
		t.Errorf("got %q, want what is in the file", got)
	}
	if got := g.readdir(preopenFD, 200); len(got) != 4 || got[3].name != "f" {
		t.Errorf("got %+v, want f", got)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	const (
		access, accessNow, modify, modifyNow = 1, 2, 4, 8

		epoch = wasip1.VirtualEpoch * 1_000_000_000
	)
	fd := g.open("f", 0, 0)
	at, n := g.text("f")
	set := func(flags uint64) guestfs.Errno {
		return g.call("path_filestat_set_times", preopenFD, follow, at, n, 5, 1<<62, flags)
	}
	for _, c := range []struct {
		set            func(flags uint64) guestfs.Errno
		flags          uint64
		access, modify uint64
	}{
		{set, access | modify, 5, 1 << 62},
		{set, accessNow, epoch, 1 << 62},
		{set, modifyNow | access, 5, epoch},
		{set, 0, 5, epoch},
		{func(flags uint64) guestfs.Errno {
			return g.call("fd_filestat_set_times", fd, 77, 1_500_000_000, flags)
		}, access | modify, 77, 1_500_000_000},
	} {
		if errno := c.set(c.flags); errno != guestfs.OK {
			t.Fatalf("flags %d: errno %d", c.flags, errno)
		}
		out := g.room(64)
		g.must("fd_filestat_get", fd, out)
		if g.u64(out+40) != c.access || g.u64(out+48) != c.modify {
			t.Errorf("flags %d: got %d, %d, want %d, %d",
				c.flags, g.u64(out+40), g.u64(out+48), c.access, c.modify)
		}
	}
	for _, flags := range []uint64{access | accessNow, modify | modifyNow, 16, 1 << 31} {
		if errno := set(flags); errno != guestfs.EINVAL {
			t.Errorf("flags %d: got errno %d, want EINVAL", flags, errno)
		}
	}
	g.must("fd_filestat_set_times", preopenFD, 1, 1, modify)
	p, m := g.text("f/")
	g.want(guestfs.ENOTDIR, "path_filestat_set_times", preopenFD, 0, p, m, 0, 0, modify)
}

func TestFilestat(t *testing.T) {
	t.Parallel()
	g := newPathGuest(t)
	fd := g.open("f", 0, 0)
	g.write(fd, "12345")
	args := g.stat("f")
	g.must("path_filestat_get", args...)
	byPath := args[4]
	byFD := g.room(64)
	g.must("fd_filestat_get", fd, byFD)
	if string(g.memory[byPath:byPath+64]) != string(g.memory[byFD:byFD+64]) {
		t.Error("the file differs by path and by descriptor")
	}
	if g.memory[byFD+16] != 4 || g.u64(byFD+32) != 5 || g.u64(byFD+24) != 1 {
		t.Errorf("got type %d, size %d, %d links", g.memory[byFD+16], g.u64(byFD+32), g.u64(byFD+24))
	}
	g.must("fd_filestat_get", preopenFD, byFD)
	if g.memory[byFD+16] != 3 {
		t.Errorf("got type %d for the preopen, want a directory", g.memory[byFD+16])
	}
	g.must("fd_filestat_get", 1, byFD)
	if g.memory[byFD+16] != 2 {
		t.Errorf("got type %d for stdout, want a character device", g.memory[byFD+16])
	}
}
