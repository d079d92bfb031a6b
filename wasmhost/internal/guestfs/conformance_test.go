package guestfs

import (
	"strings"
	"testing"
)

const enough = 1 << 30

func TestDirConforms(t *testing.T) {
	t.Parallel()
	testFS(t, func(tb testing.TB, quota *Quota) FS {
		tb.Helper()
		return openDir(tb, tb.TempDir(), true, quota)
	})
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	testFS(t, func(_ testing.TB, quota *Quota) FS { return NewMemory(quota) })
}

// testFS holds what every writable tree does.
func testFS(t *testing.T, open func(testing.TB, *Quota) FS) {
	t.Helper()
	for name, test := range map[string]func(tree){
		"names": testNames, "flags": testFlags, "content": testContent, "gaps": testGaps,
		"directories": testDirectories, "rename": testRename, "unlinked": testUnlinked,
		"times": testTimes, "quota": testQuota, "trailing": testTrailing, "closed": testClosed,
		"bounds": testBounds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quota := NewQuota(enough)
			test(tree{t, open(t, quota), quota, open})
		})
	}
}

func testNames(fs tree) {
	fs.mkdir("a", "a/b")
	fs.put("a/f", "x")
	for _, path := range []string{"", ".", "./", "a/..", "a/b/../..", "./."} {
		st, e := fs.Stat(path, true)
		if e != OK || st.Type != TypeDirectory {
			fs.Errorf("stat %q: %+v, %v", path, st, e)
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
		_, e := fs.Stat(path, true)
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

func testFlags(fs tree) {
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

func testQuota(fs tree) {
	ample := fs
	little := func(most int64) tree {
		quota := NewQuota(most)
		return tree{ample.T, ample.again(ample.T, quota), quota, nil}
	}
	fs = little(EntryBytes - 1)
	fs.refuse("f", Write|Create, ENOSPC)
	fs.want(fs.Mkdir("d"), ENOSPC, "mkdir")
	fs.refuse("no/f", Write|Create, ENOENT)
	fs.want(fs.Mkdir("no/d"), ENOENT, "mkdir in what is not there")
	fs.lists("")
	fs.used(0)
	if !fs.quota.Refused() {
		fs.Error("the refusal is not told")
	}

	fs = little(EntryBytes + 10)
	f := fs.open("f", Write|Create)
	write(fs, f, "12345", 0)
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

func testClosed(fs tree) {
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
	if err := fs.Close(); err != nil {
		fs.Error(err)
	}
	if _, e := left.Append([]byte("x")); e != OK {
		fs.Errorf("a file of a closed tree: %v", e)
	}
}
