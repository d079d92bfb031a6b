package guestfs

import (
	"fmt"
	"slices"
	"strings"
)

func testDirectories(fs tree) {
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
		fs.Errorf("got %v", all)
	}
	fs.want(fs.Unlink("d/file"), OK, "unlink")
	if all, _ := dir.ReadDir(); len(all) != 1 {
		fs.Errorf("got %v when listed again", all)
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
	_, e = fs.Stat("d/e/f", false)
	fs.want(e, ENOENT, "stat what was removed")
	_, e = fs.Readlink("d")
	fs.want(e, EINVAL, "readlink a directory")
}

func testTrailing(fs tree) {
	fs.mkdir("d/", "d/e//")
	fs.put("f", "x")
	_, e := fs.Stat("f/", true)
	fs.want(e, ENOTDIR, "stat f/")
	_, e = fs.Stat("f/.", true)
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

func testRename(fs tree) {
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

	before, _ := fs.Stat("a", true)
	fs.want(fs.Rename("a", "b"), OK, "replace a file")
	fs.holds("b", "A")
	after, _ := fs.Stat("b", true)
	if before.Inode != after.Inode {
		fs.Error("a renamed file is another one")
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
