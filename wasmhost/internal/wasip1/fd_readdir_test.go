package wasip1_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

type dirent struct {
	next, inode uint64
	name        string
	fileType    byte
}

// readdir lists a directory as a guest with a buffer of so many bytes does.
func (g *guest) readdir(fd uint64, size int) []dirent {
	g.t.Helper()
	buffer, out := g.room(size), g.room(4)
	var all []dirent
	cookie := uint64(0)
	for rounds := 0; rounds < 1000; rounds++ {
		g.must("fd_readdir", fd, buffer, uint64(size), cookie, out)
		used := uint64(g.u32(out))
		b := g.memory[buffer : buffer+used]
		for len(b) >= 24 && len(b) >= 24+int(le.Uint32(b[16:])) {
			n := 24 + int(le.Uint32(b[16:]))
			d := dirent{le.Uint64(b), le.Uint64(b[8:]), string(b[24:n]), b[20]}
			all = append(all, d)
			cookie = d.next
			b = b[n:]
		}
		if used < uint64(size) {
			return all
		}
	}
	g.t.Fatal("the directory has no end")
	return nil
}

func TestReaddir(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	g.mkdir("d")
	want := []string{".", ".."}
	for i := range 40 {
		name := fmt.Sprintf("d/%02d%s", i, strings.Repeat("x", i))
		g.must("fd_close", g.open(name, create, 0))
		want = append(want, name[2:])
	}
	g.mkdir("d/sub")
	want = append(want, "sub")
	fd := g.open("d", asDir, 0)
	// From the smallest buffer that the longest name fits into.
	for _, size := range []int{24 + 41, 70, 100, 127, 1000, 4096} {
		var got []string
		for i, d := range g.readdir(fd, size) {
			got = append(got, d.name)
			isDir := i < 2 || d.name == "sub"
			if d.inode == 0 || isDir != (d.fileType == 3) || d.next != uint64(i+1) {
				t.Errorf("got %+v", d)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("buffer of %d bytes: got %q, want %q", size, got, want)
		}
	}
}

func TestReaddirOfRoot(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	root := g.readdir(preopenFD, 100)
	if len(root) != 2 || root[0].name != "." || root[0].inode != root[1].inode {
		t.Errorf("got %+v, want two entries for the root", root)
	}
	g.mkdir("d")
	g.mkdir("d/e")
	inner := g.readdir(g.open("d/e", asDir, 0), 100)
	outer := g.readdir(g.open("d", asDir, 0), 100)
	if inner[1].inode != outer[0].inode || outer[1].inode != root[0].inode {
		t.Errorf("got %+v in %+v in %+v", inner, outer, root)
	}
}

// Cookie 0 lists anew; other cookies go on in the list that they came from,
// whatever was made or removed since.
func TestReaddirCookies(t *testing.T) {
	t.Parallel()
	g := newTreeGuest(t)
	for _, name := range []string{"a", "c"} {
		g.must("fd_close", g.open(name, create, 0))
	}
	buffer, out := g.room(200), g.room(4)
	names := func(cookie uint64) int {
		g.must("fd_readdir", preopenFD, buffer, 200, cookie, out)
		return int(g.u32(out)) / 25
	}
	unlink := func(name string) {
		if errno := g.path("path_unlink_file", name); errno != guestfs.OK {
			t.Fatalf("unlink %s: errno %d", name, errno)
		}
	}
	if got := names(0); got != 4 {
		t.Errorf("got %d entries, want 4", got)
	}
	g.must("fd_close", g.open("b", create, 0))
	unlink("a")
	if got := names(3); got != 1 || g.memory[buffer+24] != 'c' {
		t.Errorf("got %d entries from cookie 3, want c alone", got)
	}
	unlink("c")
	if got := names(0); got != 3 {
		t.Errorf("got %d entries after starting anew, want 3", got)
	}
	for _, cookie := range []uint64{3, 4, 1 << 40, 1<<64 - 1} {
		if got := names(cookie); got != 0 {
			t.Errorf("cookie %d: got %d entries, want none", cookie, got)
		}
	}
	g.must("fd_readdir", preopenFD, buffer, 0, 0, out)
	g.must("fd_readdir", preopenFD, buffer, 7, 0, out)
	if got := g.u32(out); got != 7 {
		t.Errorf("got %d bytes in a buffer of 7", got)
	}
	g.want(guestfs.EBADF, "fd_readdir", 0, buffer, 200, 0, out)
	g.want(guestfs.EBADF, "fd_readdir", g.open("b", 0, 0), buffer, 200, 0, out)
	// A list is read even where no list was: a snapshot may hold a cookie.
	state := wasip1.New(wasip1.Config{Preopens: []wasip1.Preopen{
		{GuestPath: "/", FS: guestfs.NewMemory(nil)},
	}})
	if errno := run(t.Context(), t, state, g.memory, "fd_readdir", 3, buffer, 200, 1, out); errno != guestfs.OK || g.u32(out) != 26 {
		t.Errorf("got errno %d, %d bytes, want the entry ..", errno, g.u32(out))
	}
}
