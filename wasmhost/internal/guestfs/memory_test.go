package guestfs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func newMemory(tb testing.TB, most int64) (*Memory, *Quota) {
	tb.Helper()
	quota := NewQuota(most)
	return NewMemory(quota), quota
}

func put(tb testing.TB, memory *Memory, path, content string) {
	tb.Helper()
	if err := memory.Put(path, []byte(content)); err != nil {
		tb.Fatal(err)
	}
}

func succeed(tb testing.TB, e Errno) {
	tb.Helper()
	if e != OK {
		tb.Errorf("failed: %v", e)
	}
}

func files(memory *Memory) map[string]string {
	all := map[string]string{}
	for path, content := range memory.Files(nil) {
		all[path] = string(content)
	}
	return all
}

func TestOwnerPutsAndCollects(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, enough)
	put(t, memory, "b/c/deep", "1")
	put(t, memory, "/a", "22")
	put(t, memory, "b/x", "333")
	put(t, memory, "a", "4")
	want := map[string]string{"b/c/deep": "1", "a": "4", "b/x": "333"}
	if got := files(memory); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	var order []string
	for path := range memory.Files(nil) {
		if order = append(order, path); len(order) == 2 {
			break
		}
	}
	if want := []string{"a", "b/c/deep"}; !slices.Equal(order, want) {
		t.Errorf("the first two are %q, want %q", order, want)
	}
	if got, want := quota.Used(), int64(5*EntryBytes+5); got != want {
		t.Errorf("charged %d, want %d", got, want)
	}
	for path, want := range map[string]Errno{
		"": EISDIR, "b": EISDIR, "a/x": ENOTDIR, "../x": EPERM, "n/": EISDIR, "b/x/y/z": ENOTDIR, "\xff": EILSEQ,
	} {
		if err := memory.Put(path, nil); !errors.Is(err, want) {
			t.Errorf("put %q: %v, want errno %d", path, err, want)
		}
	}
}

func TestPutCopies(t *testing.T) {
	t.Parallel()
	memory, _ := newMemory(t, enough)
	content := []byte("before")
	if err := memory.Put("f", content); err != nil {
		t.Fatal(err)
	}
	copy(content, "AFTER!")
	for _, got := range memory.Files(nil) {
		if string(got) != "before" {
			t.Errorf("got %q", got)
		}
		copy(got, "CHANGE")
	}
	if got := files(memory)["f"]; got != "before" {
		t.Errorf("got %q after a change of what was collected", got)
	}
}

func TestPutRespectsTheQuota(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, 2*EntryBytes+10)
	put(t, memory, "f", "12345")
	if err := memory.Put("g", []byte("123456")); !errors.Is(err, ENOSPC) {
		t.Errorf("got %v, want ENOSPC", err)
	}
	if !quota.Refused() {
		t.Error("the refusal is not told")
	}
	put(t, memory, "g", "54321")
}

func TestCopyIn(t *testing.T) {
	t.Parallel()
	memory, _ := newMemory(t, enough)
	at := time.Unix(1234, 0)
	err := memory.CopyIn(fstest.MapFS{
		"lib/a.py":  {Data: []byte("import b"), ModTime: at},
		"lib/big":   {Data: []byte(strings.Repeat("x", 200_000))},
		"README":    {Data: []byte("hello")},
		"empty/dir": {Mode: os.ModeDir | 0o755},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"lib/a.py": "import b", "lib/big": strings.Repeat("x", 200_000), "README": "hello"}
	if got := files(memory); !maps.Equal(got, want) {
		t.Errorf("got %d files", len(got))
	}
	if st, e := memory.Stat("lib/a.py", true); e != OK || !st.Modify.Equal(at) {
		t.Errorf("got %+v, %v", st, e)
	}
	if st, e := memory.Stat("empty/dir", true); e != OK || st.Type != TypeDirectory {
		t.Errorf("got %+v, %v", st, e)
	}
}

func TestCopyInRefuses(t *testing.T) {
	t.Parallel()
	small, _ := newMemory(t, EntryBytes+3)
	err := small.CopyIn(fstest.MapFS{"f": {Data: []byte("1234")}})
	if !errors.Is(err, ENOSPC) || !strings.Contains(err.Error(), `"f"`) {
		t.Errorf("got %v, want ENOSPC and the name", err)
	}
	memory, _ := newMemory(t, enough)
	err = memory.CopyIn(fstest.MapFS{"link": {Data: []byte("f"), Mode: os.ModeSymlink}})
	if err == nil || !strings.Contains(err.Error(), `"link"`) {
		t.Errorf("a link is copied: %v", err)
	}
}

// What is removed is given back when nobody has it open any more.
func TestMemoryGivesBack(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, enough)
	guest := tree{t, memory, quota, nil}
	guest.mkdir("d")
	guest.put("d/f", "12345")
	guest.used(2*EntryBytes + 5)
	one, two := guest.open("d/f", Write), guest.open("d/f", 0)
	guest.want(one.Truncate(2), OK, "truncate")
	guest.used(2*EntryBytes + 2)
	guest.want(guest.Unlink("d/f"), OK, "unlink")
	guest.used(2*EntryBytes + 2)
	add(t, one, "345")
	guest.used(2*EntryBytes + 5)
	one.Close()
	guest.used(2*EntryBytes + 5)
	two.Close()
	guest.used(EntryBytes)

	guest.put("a", "123")
	guest.put("b", "12345")
	guest.want(guest.Rename("a", "b"), OK, "replace")
	guest.used(2*EntryBytes + 3)
	guest.open("b", Truncate).Close()
	guest.used(2 * EntryBytes)
	guest.want(guest.Unlink("b"), OK, "unlink")
	guest.want(guest.Rmdir("d"), OK, "rmdir")
	guest.used(0)
}

// Two trees in which the same was done are the same, whenever it was.
func TestMemoryIsDeterministic(t *testing.T) {
	t.Parallel()
	build := func() string {
		memory, _ := newMemory(t, enough)
		now := time.Unix(1_000_000_000, 0)
		memory.Now = func() time.Time { now = now.Add(time.Millisecond); return now }
		for i := range 100 {
			put(t, memory, fmt.Sprintf("%d/%d", i%7, i), strings.Repeat("x", i))
		}
		succeed(t, memory.Rename("1", "2/one"))
		succeed(t, memory.Unlink("3/3"))
		var b strings.Builder
		root, _ := memory.Stat("", true)
		fmt.Fprintln(&b, root)
		walk(t, memory, "", func(path string, st Stat) { fmt.Fprintln(&b, path, st) })
		return b.String()
	}
	if one, two := build(), build(); one != two {
		t.Errorf("got\n%s\nand\n%s", one, two)
	}
}

func TestMemoryTellsTimes(t *testing.T) {
	t.Parallel()
	memory, _ := newMemory(t, enough)
	now := time.Unix(0, 0)
	memory.Now = func() time.Time { return now }
	at := func(second int64) { now = time.Unix(second, 0) }
	check := func(path string, access, modify, change int64) {
		t.Helper()
		st, e := memory.Stat(path, true)
		if e != OK || st.Access.Unix() != access || st.Modify.Unix() != modify || st.Change.Unix() != change {
			t.Errorf("%s: %v %v %v (%v)", path, st.Access.Unix(), st.Modify.Unix(), st.Change.Unix(), e)
		}
	}
	check("", 0, 0, 0)
	at(10)
	put(t, memory, "d/f", "x")
	check("", 0, 10, 10)
	at(20)
	f, _ := memory.Open("d/f", Write)
	add(t, f, "y")
	check("d/f", 10, 20, 20)
	check("d", 10, 10, 10)
	at(30)
	succeed(t, memory.Rename("d/f", "g"))
	check("g", 10, 20, 30)
	check("d", 10, 30, 30)
	check("", 0, 30, 30)
	at(40)
	succeed(t, f.Truncate(0))
	check("g", 10, 40, 40)
	read(t, f, 0, 1)
	at(50)
	succeed(t, memory.SetTimes("g", true, &now, nil))
	check("g", 50, 40, 50)
	succeed(t, memory.Unlink("g"))
	check("", 0, 50, 50)
}

// A guest nests directories deeper than any path by moving them. That must
// not cost the owner its stack, or time by the square of the depth.
func TestFilesBoundsDepth(t *testing.T) {
	t.Parallel()
	memory, _ := newMemory(t, enough)
	deep := strings.TrimSuffix(strings.Repeat("d/", 1500), "/")
	put(t, memory, deep+"/f", "reachable")
	for range 20 {
		put(t, memory, "next/"+deep+"/f", "reachable no more")
		succeed(t, memory.Rename("d", "next/"+deep+"/d"))
		succeed(t, memory.Rename("next", "d"))
	}
	found := 0
	for path := range memory.Files(nil) {
		if len(path) > 4095 {
			t.Errorf("a path of %d bytes", len(path))
		}
		if _, e := memory.Stat(path, true); e != OK {
			t.Errorf("stat of what was collected: %v", e)
		}
		found++
	}
	if found != 1 {
		t.Errorf("found %d files, want the one that a path leads to", found)
	}
}

// held is the memory that the contents of a tree's files take.
func (n *node) held() int64 {
	bytes := int64(cap(n.content.chunks)) * 24
	for _, chunk := range n.content.chunks {
		bytes += int64(cap(chunk))
	}
	for _, child := range n.children {
		bytes += child.held()
	}
	return bytes
}

// Memory that a guest had is not kept by files that it made small.
func TestMemoryShrinks(t *testing.T) {
	t.Parallel()
	memory, quota := newMemory(t, enough)
	for i := range 100 {
		f, _ := memory.Open(fmt.Sprint(i), Create|Write)
		write(t, f, string(make([]byte, 1<<20)), 0)
		write(t, f, "x", 64<<20)
		succeed(t, f.Truncate(1))
		f.Close()
	}
	if held := memory.root.held(); held > quota.Used() {
		t.Errorf("charged %d, but held %d", quota.Used(), held)
	}
}

func BenchmarkMemorySmallFile(b *testing.B) {
	memory, _ := newMemory(b, enough)
	content, got := make([]byte, 1000), make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := memory.Open("file", Write|Create)
		_, _ = f.WriteAt(content, 0)
		n, _ := f.ReadAt(got, 0)
		f.Close()
		if e := memory.Unlink("file"); n != 1000 || e != OK {
			b.Fatal(n, e)
		}
	}
}

func BenchmarkDirSmallFile(b *testing.B) {
	dir := openDir(b, b.TempDir(), true, NewQuota(1<<60))
	content, got := make([]byte, 1000), make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		f, _ := dir.Open("file", Write|Create)
		_, _ = f.WriteAt(content, 0)
		n, _ := f.ReadAt(got, 0)
		f.Close()
		if e := dir.Unlink("file"); n != 1000 || e != OK {
			b.Fatal(n, e)
		}
	}
}

// Growth by small appends copies each byte a few times, not over and over.
func BenchmarkMemoryAppend(b *testing.B) {
	memory, _ := newMemory(b, enough)
	line := make([]byte, 100)
	f, _ := memory.Open("log", Write|Create)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, e := f.Append(line); e != OK {
			_ = f.Truncate(0)
		}
	}
}
