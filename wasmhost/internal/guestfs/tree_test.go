package guestfs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func openDir(tb testing.TB, dir string, writable bool, quota *Quota) FS {
	tb.Helper()
	tree, err := OpenDir(dir, writable, quota)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tree.Close() })
	return tree
}

// tree is a tree under test, with what makes its tests short.
type tree struct {
	*testing.T
	FS
	quota *Quota
	again func(testing.TB, *Quota) FS
}

func (t tree) want(got, want Errno, doing string, args ...any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", fmt.Sprintf(doing, args...), got, want)
	}
}

func (t tree) open(path string, flags OpenFlags) File {
	t.Helper()
	f, e := t.Open(path, flags)
	if e != OK {
		t.Fatalf("open %q: %v", path, e)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func (t tree) refuse(path string, flags OpenFlags, want Errno) {
	t.Helper()
	f, e := t.Open(path, flags)
	if e == OK {
		f.Close()
	}
	t.want(e, want, "open %q with %b", path, flags)
}

func (t tree) put(path, content string) {
	t.Helper()
	f := t.open(path, Write|Create|Truncate)
	if _, e := f.Append([]byte(content)); e != OK {
		t.Fatalf("write %q: %v", path, e)
	}
	t.want(f.Close(), OK, "close %q", path)
}

func (t tree) mkdir(paths ...string) {
	t.Helper()
	for _, path := range paths {
		if e := t.Mkdir(path); e != OK {
			t.Fatalf("mkdir %q: %v", path, e)
		}
	}
}

func (t tree) holds(path, want string) {
	t.Helper()
	f, e := t.Open(path, 0)
	if e != OK {
		t.Errorf("open %q: %v", path, e)
		return
	}
	defer f.Close()
	if got := read(t, f, 0, len(want)+1); got != want {
		t.Errorf("%q holds %q, want %q", path, got, want)
	}
}

func (t tree) lists(path string, want ...string) {
	t.Helper()
	f := t.open(path, Directory)
	all, e := f.ReadDir()
	t.want(e, OK, "list %q", path)
	var got []string
	for _, entry := range all {
		got = append(got, entry.Name)
		st, e := t.Stat(strings.TrimPrefix(path+"/"+entry.Name, "/"), false)
		if e != OK || st.Type != entry.Type || st.Inode != entry.Inode {
			t.Errorf("%q: entry %+v, but stat %+v (%v)", path, entry, st, e)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q lists %q, want %q", path, got, want)
	}
}

func (t tree) used(want int64) {
	t.Helper()
	if got := t.quota.Used(); got != want {
		t.Errorf("charged %d, want %d", got, want)
	}
}

func read(tb testing.TB, f File, offset int64, n int) string {
	tb.Helper()
	p := bytes.Repeat([]byte{'?'}, n)
	n, e := f.ReadAt(p, offset)
	if e != OK {
		tb.Errorf("read at %d: %v", offset, e)
	}
	return string(p[:n])
}

func write(tb testing.TB, f File, content string, offset int64) {
	tb.Helper()
	if n, e := f.WriteAt([]byte(content), offset); n != len(content) || e != OK {
		tb.Errorf("write %d bytes at %d: %d, %v", len(content), offset, n, e)
	}
}

func add(tb testing.TB, f File, content string) {
	tb.Helper()
	if n, e := f.Append([]byte(content)); n != len(content) || e != OK {
		tb.Errorf("append %d bytes: %d, %v", len(content), n, e)
	}
}
