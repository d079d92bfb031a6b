package guestfs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// newTree is a writable directory of the machine, and where it is.
func newTree(t *testing.T) (tree, string) {
	t.Helper()
	dir, quota := t.TempDir(), NewQuota(enough)
	return tree{t, openDir(t, dir, true, quota), quota, nil}, dir
}

// hostFile writes a file beside the guest's back.
func hostFile(tb testing.TB, content string, path ...string) string {
	tb.Helper()
	name := filepath.Join(path...)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

func hostLink(tb testing.TB, target string, path ...string) {
	tb.Helper()
	if err := os.Symlink(target, filepath.Join(path...)); err != nil {
		tb.Skipf("no links here: %v", err)
	}
}

func TestOpenDirNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := OpenDir(missing, true, nil); err == nil {
		t.Error("a missing directory opens")
	}
	if _, err := OpenDir(hostFile(t, "", t.TempDir(), "f"), true, nil); err == nil {
		t.Error("a file opens as a directory")
	}
}

func TestDirGivesSanePermissions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	guest, dir := newTree(t)
	guest.put("f", "x")
	guest.mkdir("d")
	for name, most := range map[string]fs.FileMode{"f": 0o644, "d": 0o755 | fs.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got&^most != 0 || got&0o600 != 0o600 {
			t.Errorf("%s has mode %v, want at most %v", name, got, most)
		}
	}
}

func TestReadOnlyDirRefusesChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hostFile(t, "content", dir, "f")
	if err := os.MkdirAll(filepath.Join(dir, "d", "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	testRefusesChanges(t, openDir(t, dir, false, nil))
}

// testRefusesChanges wants a tree with a file f that holds "content", and
// directories d and d/e.
func testRefusesChanges(t *testing.T, fsys FS) {
	t.Helper()
	guest := tree{t, fsys, nil, nil}
	now := time.Unix(1, 0)
	guest.holds("f", "content")
	guest.holds("d/../f", "content")
	guest.lists("", "d", "f")
	guest.lists("d", "e")
	guest.refuse("f", Write, EROFS)
	guest.refuse("f", Truncate, EROFS)
	guest.refuse("f", Create|Write|Truncate, EROFS)
	guest.refuse("f", Create|Exclusive, EEXIST)
	guest.refuse("new", Create, EROFS)
	guest.refuse("new", Create|Write, EROFS)
	guest.refuse("new", 0, ENOENT)
	guest.refuse("no/new", Create, ENOENT)
	guest.refuse("f/new", Create, ENOTDIR)
	guest.refuse("f/..", 0, ENOTDIR)
	guest.refuse("d", Write, EISDIR)
	guest.refuse("../f", 0, EPERM)
	guest.want(guest.Mkdir("new"), EROFS, "mkdir")
	guest.want(guest.Mkdir("d"), EEXIST, "mkdir over a directory")
	guest.want(guest.Rmdir("d/e"), EROFS, "rmdir")
	guest.want(guest.Unlink("f"), EROFS, "unlink")
	guest.want(guest.Rename("f", "g"), EROFS, "rename")
	guest.want(guest.SetTimes("f", true, &now, &now), EROFS, "set times")
	f := guest.open("f", Create)
	if st, e := f.Stat(); e != OK || st.Size != 7 || st.Type != TypeRegular || st.Inode == 0 {
		t.Errorf("stat: %+v, %v", st, e)
	}
	if got := read(t, f, 3, 10) + read(t, f, 0, 3) + read(t, f, 7, 3) + read(t, f, 1<<40, 3); got != "tentcon" {
		t.Errorf("got %q", got)
	}
	_, e := f.WriteAt([]byte("x"), 0)
	guest.want(e, EROFS, "write")
	_, e = f.Append([]byte("x"))
	guest.want(e, EROFS, "append")
	guest.want(f.Truncate(0), EROFS, "truncate")
	guest.want(f.SetTimes(&now, nil), EROFS, "set times of an open file")
	guest.want(f.Sync(), OK, "sync")
	_, e = f.ReadAt(make([]byte, 1), -1)
	guest.want(e, EINVAL, "read at -1")
	_, e = guest.open("d", 0).ReadAt(make([]byte, 1), 0)
	guest.want(e, EISDIR, "read a directory")
	guest.holds("f", "content")
	guest.lists("", "d", "f")
	guest.want(f.Close(), OK, "close")
	guest.want(f.Close(), EBADF, "close again")
}

func TestDirGivesNothingBack(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	guest.put("f", "12345")
	guest.used(EntryBytes + 5)
	f := guest.open("f", Write|Truncate)
	add(guest, f, "123")
	guest.used(EntryBytes + 8)
	write(guest, f, "45", 1)
	guest.used(EntryBytes + 8)
	hostFile(t, "the host's own bytes", dir, "f")
	write(guest, f, "xy", 19)
	guest.used(EntryBytes + 9)
	guest.want(guest.Unlink("f"), OK, "unlink")
	guest.mkdir("d")
	guest.want(guest.Rmdir("d"), OK, "rmdir")
	guest.used(2*EntryBytes + 9)
}

func TestDirChargesNothingForWhatFails(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	hostLink(t, "nowhere/f", dir, "link")
	guest.refuse("link", Create|Write, ENOENT)
	guest.used(0)
}

func TestDirListsAtMostSoMany(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	guest.FS.(*dirTree).entries = 2000
	for i := range 2000 { // more than is read at once
		hostFile(t, "", dir, fmt.Sprint(i))
	}
	list := guest.open("", Directory)
	if all, e := list.ReadDir(); len(all) != 2000 || e != OK {
		t.Errorf("%d names, %v", len(all), e)
	}
	hostFile(t, "", dir, "one more")
	_, e := list.ReadDir()
	guest.want(e, EOVERFLOW, "list too many")
}
