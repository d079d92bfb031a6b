package guestfs_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

const enough = 1 << 30

func TestDirConforms(t *testing.T) {
	t.Parallel()
	testFS(t, func(t *testing.T, quota *Quota) FS { return openDir(t, t.TempDir(), true, quota) })
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	testFS(t, func(_ *testing.T, quota *Quota) FS { return NewMemory(quota) })
}

func openDir(t testing.TB, dir string, writable bool, quota *Quota) FS {
	t.Helper()
	tree, err := OpenDir(dir, writable, quota)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	return tree
}

// testFS holds what every writable tree does.
func testFS(t *testing.T, open func(*testing.T, *Quota) FS) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, tree){
		"names": testNames, "flags": testFlags, "content": testContent, "gaps": testGaps,
		"directories": testDirectories, "rename": testRename, "unlinked": testUnlinked,
		"times": testTimes, "quota": testQuota, "trailing": testTrailing, "closed": testClosed,
		"bounds": testBounds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quota := NewQuota(enough)
			test(t, tree{t, open(t, quota), quota, open})
		})
	}
}

// tree is a tree under test, with what makes its tests short.
type tree struct {
	*testing.T
	FS
	quota *Quota
	again func(*testing.T, *Quota) FS
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
		st, e := t.FS.Stat(strings.TrimPrefix(path+"/"+entry.Name, "/"), false)
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

func read(t testing.TB, f File, offset int64, n int) string {
	t.Helper()
	p := bytes.Repeat([]byte{'?'}, n)
	n, e := f.ReadAt(p, offset)
	if e != OK {
		t.Errorf("read at %d: %v", offset, e)
	}
	return string(p[:n])
}

func testNames(t *testing.T, fs tree) {
	fs.mkdir("a", "a/b")
	fs.put("a/f", "x")
	for _, path := range []string{"", ".", "./", "a/..", "a/b/../..", "./."} {
		st, e := fs.FS.Stat(path, true)
		if e != OK || st.Type != TypeDirectory {
			t.Errorf("stat %q: %+v, %v", path, st, e)
		}
	}
	for _, path := range []string{"a/f", "a//f", "./a/./f", "a/b/../f", "a/../a/f"} {
		fs.holds(path, "x")
	}
	for path, want := range map[string]Errno{
		"..": EPERM, "../x": EPERM, "a/../../x": EPERM, "a/../..": EPERM, "/": EPERM, "/a": EPERM,
		"a\x00b": EINVAL, "\xff": EILSEQ, "a/\xc0\x80": EILSEQ,
		"nope": ENOENT, "nope/x": ENOENT, "nope/../a": ENOENT, "a/f/x": ENOTDIR, "a/f/..": ENOTDIR,
		strings.Repeat("n", 256):        ENAMETOOLONG,
		"a/" + strings.Repeat("n", 256): ENAMETOOLONG,
		strings.Repeat("a/../", 1000):   ENAMETOOLONG,
		strings.Repeat("n", 255):        ENOENT,
	} {
		_, e := fs.FS.Stat(path, true)
		fs.want(e, want, "stat %q", path)
		fs.refuse(path, 0, want)
		_, e = fs.Readlink(path)
		fs.want(e, want, "readlink %q", path)
		fs.want(fs.Unlink(path), want, "unlink %q", path)
		fs.want(fs.Rename(path, "new"), renamed(path, want), "rename %q", path)
		fs.want(fs.SetTimes(path, true, nil, nil), want, "set times of %q", path)
	}
	longest := strings.Repeat("n", 255)
	fs.put(longest, "long")
	fs.holds(longest, "long")
	fs.want(fs.Unlink(longest), OK, "unlink the longest name")
	fs.put("Größe 人 \n'\"", "odd")
	fs.lists("", "Größe 人 \n'\"", "a")
}

// renamed is what renaming gives where other operations give e.
func renamed(path string, e Errno) Errno {
	if e == ENOTDIR && strings.HasSuffix(path, "..") {
		return EBUSY
	}
	return e
}

func testFlags(t *testing.T, fs tree) {
	fs.refuse("f", 0, ENOENT)
	fs.refuse("f", Write, ENOENT)
	fs.refuse("f", Write|Truncate, ENOENT)
	fs.refuse("no/f", Write|Create, ENOENT)
	fs.refuse("f", Create|Directory, EINVAL)
	fs.refuse("f/", Create, EISDIR)
	fs.open("f", Create|Exclusive)
	fs.refuse("f", Create|Exclusive, EEXIST)
	fs.refuse("f", Write|Create|Exclusive, EEXIST)
	fs.refuse("f", Directory, ENOTDIR)
	fs.refuse("f/", 0, ENOTDIR)
	fs.refuse("f/g", Create|Write, ENOTDIR)
	fs.put("f", "content")
	fs.open("f", Create|Write)
	fs.holds("f", "content")
	fs.open("f", NoFollow)
	fs.open("f", Truncate)
	fs.holds("f", "")

	fs.mkdir("d")
	fs.open("d", 0)
	fs.open("d", Directory)
	fs.open("d/", NoFollow)
	for _, flags := range []OpenFlags{Write, Create, Truncate, Write | Create} {
		fs.refuse("d", flags, EISDIR)
	}
	fs.refuse("d", Create|Exclusive, EEXIST)
}

func testContent(t *testing.T, fs tree) {
	f := fs.open("f", Write|Create)
	n, e := f.WriteAt([]byte("hello world"), 0)
	if n != 11 || e != OK {
		t.Fatalf("write: %d, %v", n, e)
	}
	if n, e = f.WriteAt([]byte("W"), 6); n != 1 || e != OK {
		t.Fatalf("overwrite: %d, %v", n, e)
	}
	if n, e = f.Append([]byte("!")); n != 1 || e != OK {
		t.Fatalf("append: %d, %v", n, e)
	}
	if n, e = f.WriteAt([]byte("J"), 0); n != 1 || e != OK { // after an append
		t.Fatalf("overwrite: %d, %v", n, e)
	}
	other := fs.open("f", Write)
	other.Append([]byte("?"))
	f.Append([]byte("."))
	fs.holds("f", "Jello World!?.")
	if got := read(t, f, 6, 5); got != "World" {
		t.Errorf("got %q", got)
	}
	if got := read(t, f, 13, 5); got != "." {
		t.Errorf("got %q", got)
	}
	if got := read(t, f, 14, 5) + read(t, f, 1<<40, 5); got != "" {
		t.Errorf("got %q beyond the end", got)
	}
	fs.used(EntryBytes + 14)
	st, e := f.Stat()
	if e != OK || st.Size != 14 || st.Type != TypeRegular || st.Links != 1 || st.Inode == 0 {
		t.Errorf("stat: %+v, %v", st, e)
	}
	fs.want(f.Sync(), OK, "sync")

	reader := fs.open("f", 0)
	_, e = reader.WriteAt([]byte("x"), 0)
	fs.want(e, EBADF, "write to what is read only")
	_, e = reader.Append([]byte("x"))
	fs.want(e, EBADF, "append to what is read only")
	fs.want(reader.Truncate(0), EBADF, "truncate what is read only")
	_, e = reader.ReadDir()
	fs.want(e, ENOTDIR, "list a file")

	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	if n, e = f.WriteAt(big, 3); n != len(big) || e != OK {
		t.Fatalf("write much: %d, %v", n, e)
	}
	if got := read(t, f, 0, len(big)+10); got != "Jel"+string(big) {
		t.Error("what was written in many chunks reads otherwise")
	}
}

func testGaps(t *testing.T, fs tree) {
	f := fs.open("f", Write|Create)
	f.WriteAt([]byte("end"), 200_000)
	if got := read(t, f, 199_998, 10); got != "\x00\x00end" {
		t.Errorf("got %q", got)
	}
	if got := read(t, f, 0, 200_000); got != strings.Repeat("\x00", 200_000) {
		t.Error("a gap is not zeros")
	}
	f.WriteAt(bytes.Repeat([]byte("x"), 300_000), 0)
	fs.want(f.Truncate(70_001), OK, "truncate")
	fs.want(f.Truncate(150_000), OK, "extend")
	if got := read(t, f, 70_000, 5); got != "x\x00\x00\x00\x00" {
		t.Errorf("got %q after truncating and extending", got)
	}
	f.WriteAt([]byte("y"), 70_003)
	if got := read(t, f, 70_000, 5); got != "x\x00\x00y\x00" {
		t.Errorf("got %q after writing into the gap", got)
	}
	if got := read(t, f, 149_999, 5); got != "\x00" {
		t.Errorf("got %q at the end", got)
	}
	fs.want(f.Truncate(0), OK, "empty")
	f.WriteAt(nil, 99)
	if st, _ := f.Stat(); st.Size != 0 {
		t.Errorf("writing nothing made %d bytes", st.Size)
	}
}

func testBounds(t *testing.T, fs tree) {
	f := fs.open("f", Write|Create)
	for _, offset := range []int64{-1, math.MinInt64} {
		_, e := f.WriteAt([]byte("x"), offset)
		fs.want(e, EINVAL, "write at %d", offset)
		_, e = f.ReadAt(make([]byte, 1), offset)
		fs.want(e, EINVAL, "read at %d", offset)
		fs.want(f.Truncate(offset), EINVAL, "truncate to %d", offset)
	}
	_, e := f.WriteAt([]byte("xy"), math.MaxInt64-1)
	fs.want(e, EFBIG, "write past the last offset")
	_, e = f.WriteAt([]byte("x"), math.MaxInt64-1)
	fs.want(e, ENOSPC, "write at the last offset")
	fs.want(f.Truncate(math.MaxInt64), ENOSPC, "truncate to the most")
	fs.used(EntryBytes)

	endless := tree{t, fs.again(t, NewQuota(math.MaxInt64)), nil, nil}
	f = endless.open("f", Write|Create)
	_, e = f.WriteAt([]byte("x"), 1<<62)
	endless.want(e, EFBIG, "write at 1<<62 with an endless quota")
	endless.want(f.Truncate(1<<62), EFBIG, "truncate to 1<<62 with an endless quota")
}

func testDirectories(t *testing.T, fs tree) {
	fs.lists("")
	fs.mkdir("d", "d/e", "d/e/f")
	for path, want := range map[string]Errno{
		"d": EEXIST, "": EEXIST, ".": EEXIST, "d/..": EEXIST, "no/x": ENOENT, "no/..": ENOENT,
		"..": EPERM, "/x": EPERM, "\xff": EILSEQ,
	} {
		fs.want(fs.Mkdir(path), want, "mkdir %q", path)
	}
	fs.put("d/file", "x")
	fs.want(fs.Mkdir("d/file"), EEXIST, "mkdir over a file")
	fs.want(fs.Mkdir("d/file/x"), ENOTDIR, "mkdir in a file")
	for i := range 300 {
		fs.put(fmt.Sprintf("d/e/%d", 299-i), "")
	}
	names := []string{"f"}
	for i := range 300 {
		names = append(names, fmt.Sprint(i))
	}
	slices.Sort(names)
	fs.lists("d/e", names...)
	fs.lists("d", "e", "file")
	fs.lists("", "d")

	dir := fs.open("d", Directory)
	_, e := dir.ReadAt(make([]byte, 1), 0)
	fs.want(e, EISDIR, "read a directory")
	_, e = dir.WriteAt([]byte("x"), 0)
	fs.want(e, EBADF, "write to a directory")
	if all, _ := dir.ReadDir(); len(all) != 2 {
		t.Errorf("got %v", all)
	}
	fs.want(fs.Unlink("d/file"), OK, "unlink")
	if all, _ := dir.ReadDir(); len(all) != 1 {
		t.Errorf("got %v when listed again", all)
	}

	for path, want := range map[string]Errno{
		"d": ENOTEMPTY, "": EINVAL, ".": EINVAL, "d/e/..": EINVAL, "no": ENOENT, "d/e/1": ENOTDIR, "..": EPERM,
	} {
		fs.want(fs.Rmdir(path), want, "rmdir %q", path)
	}
	for path, want := range map[string]Errno{"d": EISDIR, "": EISDIR, "d/e/1/x": ENOTDIR, "d/e/..": EISDIR} {
		fs.want(fs.Unlink(path), want, "unlink %q", path)
	}
	fs.want(fs.Rmdir("d/e/f"), OK, "rmdir")
	_, e = fs.FS.Stat("d/e/f", false)
	fs.want(e, ENOENT, "stat what was removed")
	_, e = fs.Readlink("d")
	fs.want(e, EINVAL, "readlink a directory")
}

func testTrailing(t *testing.T, fs tree) {
	fs.mkdir("d/", "d/e//")
	fs.put("f", "x")
	_, e := fs.FS.Stat("f/", true)
	fs.want(e, ENOTDIR, "stat f/")
	_, e = fs.FS.Stat("f/.", true)
	fs.want(e, ENOTDIR, "stat f/.")
	fs.want(fs.Unlink("f/"), ENOTDIR, "unlink f/")
	fs.want(fs.Unlink("d/"), EISDIR, "unlink d/")
	fs.want(fs.Rename("f/", "g"), ENOTDIR, "rename f/")
	fs.want(fs.Rename("f", "g/"), ENOTDIR, "rename to g/")
	fs.want(fs.Rename("d/e/", "g/"), OK, "rename a directory to g/")
	fs.want(fs.Mkdir("f/"), EEXIST, "mkdir f/")
	fs.want(fs.Rmdir("g/"), OK, "rmdir g/")
	fs.want(fs.Rmdir("f/"), ENOTDIR, "rmdir f/")
	fs.lists("", "d", "f")
}

func testRename(t *testing.T, fs tree) {
	fs.mkdir("d", "d/sub", "empty", "full")
	fs.put("a", "A")
	fs.put("b", "B")
	fs.put("full/x", "X")
	for _, c := range []struct {
		from, to string
		want     Errno
	}{
		{"no", "x", ENOENT},
		{"a", "no/x", ENOENT},
		{"a", "b/x", ENOTDIR},
		{"a", "a", OK},
		{"d", "d", OK},
		{"a", "empty", EISDIR},
		{"a", "full", EISDIR},
		{"d", "a", ENOTDIR},
		{"d", "full", ENOTEMPTY},
		{"d", "d/x", EINVAL},
		{"d", "d/sub", EINVAL},
		{"d", "d/sub/x", EINVAL},
		{"d/sub", "d", ENOTEMPTY},
		{"full/x", "full", ENOTEMPTY},
		{"", "x", EBUSY},
		{"a", "", EBUSY},
		{"a", "d/..", EBUSY},
		{"d/sub/..", "x", EBUSY},
		{"../a", "x", EPERM},
		{"a", "../x", EPERM},
		{"a", "\xff", EILSEQ},
		{"a", strings.Repeat("n", 256), ENAMETOOLONG},
	} {
		fs.want(fs.Rename(c.from, c.to), c.want, "rename %q to %q", c.from, c.to)
	}
	fs.lists("", "a", "b", "d", "empty", "full")

	before, _ := fs.FS.Stat("a", true)
	fs.want(fs.Rename("a", "b"), OK, "replace a file")
	fs.holds("b", "A")
	after, _ := fs.FS.Stat("b", true)
	if before.Inode != after.Inode {
		t.Error("a renamed file is another one")
	}
	fs.want(fs.Rename("full", "empty"), OK, "replace an empty directory")
	fs.lists("empty", "x")
	fs.want(fs.Rename("empty", "d/sub"), OK, "move a directory over an empty one")
	fs.holds("d/sub/x", "X")
	fs.want(fs.Rename("d/sub/x", "x"), OK, "move a file up")
	fs.want(fs.Rename("d/sub", "sub"), OK, "move a directory up")
	fs.want(fs.Rename("d", "sub/d"), OK, "swap who is above")
	fs.want(fs.Rename("sub", "sub/d/x"), EINVAL, "move into itself after that")
	fs.lists("sub/d/..", "d")
	fs.lists("", "b", "sub", "x")
}

func testUnlinked(t *testing.T, fs tree) {
	fs.put("f", "old")
	f := fs.open("f", Write)
	fs.want(fs.Unlink("f"), OK, "unlink an open file")
	fs.put("f", "new")
	f.Append([]byte("er"))
	if got := read(t, f, 0, 10); got != "older" {
		t.Errorf("the unlinked file holds %q", got)
	}
	if st, e := f.Stat(); e != OK || st.Links != 0 || st.Size != 5 {
		t.Errorf("stat of an unlinked file: %+v, %v", st, e)
	}
	fs.holds("f", "new")

	fs.put("g", "other")
	g := fs.open("g", 0)
	fs.want(fs.Rename("f", "g"), OK, "rename over an open file")
	if got := read(t, g, 0, 10); got != "other" {
		t.Errorf("the replaced file holds %q", got)
	}
	fs.holds("g", "new")

	fs.mkdir("d")
	d := fs.open("d", Directory)
	fs.want(fs.Rmdir("d"), OK, "remove an open directory")
	if all, e := d.ReadDir(); len(all) != 0 || e != OK {
		t.Errorf("a removed directory lists %v, %v", all, e)
	}
}

func testTimes(t *testing.T, fs tree) {
	fs.put("f", "x")
	fs.mkdir("d")
	access, modify := time.Unix(1_000_000_000, 123_456_000), time.Unix(2_000_000_000, 654_321_000)
	check := func(what, path string, access, modify time.Time) {
		t.Helper()
		st, e := fs.FS.Stat(path, true)
		if e != OK || !st.Access.Equal(access) || !st.Modify.Equal(modify) {
			t.Errorf("%s of %q: %v %v (%v), want %v %v", what, path, st.Access, st.Modify, e, access, modify)
		}
	}
	for _, path := range []string{"f", "d"} {
		later := access.Add(time.Hour)
		fs.want(fs.SetTimes(path, true, &access, &modify), OK, "set times")
		check("both times", path, access, modify)
		fs.want(fs.SetTimes(path, false, &later, nil), OK, "set access")
		check("access", path, later, modify)
		fs.want(fs.SetTimes(path, true, nil, &later), OK, "set modify")
		check("modify", path, later, later)

		f := fs.open(path, 0)
		fs.want(f.SetTimes(&access, &modify), OK, "set times of an open file")
		check("open file: both times", path, access, modify)
		fs.want(f.SetTimes(nil, &later), OK, "set modify of an open file")
		check("open file: modify", path, access, later)
		fs.want(f.SetTimes(&later, nil), OK, "set access of an open file")
		check("open file: access", path, later, later)
	}
	f := fs.open("f", Write)
	f.WriteAt([]byte("y"), 0)
	if st, _ := f.Stat(); !st.Modify.After(time.Unix(1_500_000_000, 0)) || st.Change.IsZero() {
		t.Errorf("a write left the times at %+v", st)
	}
}

func testQuota(t *testing.T, fs tree) {
	again := fs.again
	little := func(most int64) tree {
		quota := NewQuota(most)
		return tree{t, again(t, quota), quota, nil}
	}
	fs = little(EntryBytes - 1)
	fs.refuse("f", Write|Create, ENOSPC)
	fs.want(fs.Mkdir("d"), ENOSPC, "mkdir")
	fs.refuse("no/f", Write|Create, ENOENT)
	fs.lists("")
	fs.used(0)
	if !fs.quota.Refused() {
		t.Error("the refusal is not told")
	}

	fs = little(EntryBytes + 10)
	f := fs.open("f", Write|Create)
	f.WriteAt([]byte("12345"), 0)
	fs.refuse("g", Write|Create, ENOSPC)
	_, e := f.WriteAt([]byte("123456"), 5)
	fs.want(e, ENOSPC, "write one too many")
	fs.holds("f", "12345")
	_, e = f.Append([]byte("123456"))
	fs.want(e, ENOSPC, "append one too many")
	_, e = f.WriteAt([]byte("x"), 1<<40)
	fs.want(e, ENOSPC, "write far away")
	fs.want(f.Truncate(1<<40), ENOSPC, "truncate to 1<<40")
	fs.want(f.Truncate(11), ENOSPC, "truncate to one too many")
	fs.holds("f", "12345")
	_, e = f.WriteAt([]byte("67890"), 5)
	fs.want(e, OK, "write just enough")
	_, e = f.WriteAt([]byte("overwrites"), 0)
	fs.want(e, OK, "write over what is charged")
	_, e = f.Append([]byte("x"))
	fs.want(e, ENOSPC, "append to what is full")
	fs.holds("f", "overwrites")
	fs.used(EntryBytes + 10)
}

func testClosed(t *testing.T, fs tree) {
	f := fs.open("f", Write|Create)
	fs.want(f.Close(), OK, "close")
	fs.want(f.Close(), EBADF, "close again")
	_, e := f.Stat()
	fs.want(e, EBADF, "stat")
	_, e = f.ReadAt(make([]byte, 1), 0)
	fs.want(e, EBADF, "read")
	_, e = f.WriteAt([]byte("x"), 0)
	fs.want(e, EBADF, "write")
	_, e = f.Append([]byte("x"))
	fs.want(e, EBADF, "append")
	fs.want(f.Truncate(0), EBADF, "truncate")
	fs.want(f.Sync(), EBADF, "sync")
	fs.want(f.SetTimes(nil, nil), EBADF, "set times")
	fs.used(EntryBytes)

	left := fs.open("g", Write|Create)
	if err := fs.FS.Close(); err != nil {
		t.Error(err)
	}
	if _, e := left.Append([]byte("x")); e != OK {
		t.Errorf("a file of a closed tree: %v", e)
	}
}
