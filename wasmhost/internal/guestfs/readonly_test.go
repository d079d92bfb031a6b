package guestfs

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadOnlyTreesConform(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hostFile(t, "content", dir, "f")
	if err := os.MkdirAll(filepath.Join(dir, "d", "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	inMap := fstest.MapFS{"f": {Data: []byte("content")}, "d/e": {Mode: fs.ModeDir | 0o755}}
	for name, fsys := range map[string]fs.FS{
		"map": inMap, "os.Root": root.FS(), "zip": zipped(t, "f", "content", "d/e/", ""),
		"seekers": only{inMap, true}, "streams": only{inMap, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRefusesChanges(t, ReadOnly(fsys))
		})
	}
}

// zipped is an archive of names and contents.
func zipped(t *testing.T, pairs ...string) fs.FS {
	t.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// only is a tree whose files can seek at most.
type only struct {
	fs.FS
	seek bool
}

func (o only) Open(name string) (fs.File, error) {
	f, err := o.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return f, err
	}
	if o.seek {
		return seeker{f}, nil
	}
	return stream{f}, nil
}

func (o only) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.FS, name) }

type stream struct{ fs.File }

type seeker struct{ fs.File }

func (s seeker) Seek(offset int64, whence int) (int64, error) {
	return s.File.(interface {
		Seek(offset int64, whence int) (int64, error)
	}).Seek(offset, whence)
}

func TestReadOnlyIsStable(t *testing.T) {
	t.Parallel()
	fsys := zipped(t, "lib/a", "A", "lib/b", "B")
	one, _ := ReadOnly(fsys).Stat("lib/a", true)
	two, _ := ReadOnly(fsys).Stat("lib/../lib/./a", true)
	other, _ := ReadOnly(fsys).Stat("lib/b", true)
	if one.Inode != two.Inode || one.Inode == other.Inode {
		t.Errorf("inodes %d, %d and %d", one.Inode, two.Inode, other.Inode)
	}
	if one.Modify.Before(one.Access) || one.Modify.Year() < 1970 {
		t.Errorf("times: %+v", one)
	}
}

func TestReadOnlyLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hostFile(t, "content", dir, "f")
	hostFile(t, "secret", filepath.Dir(dir), "secret-of-links")
	hostLink(t, "f", dir, "link")
	hostLink(t, "../secret-of-links", dir, "out")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	guest := tree{t, ReadOnly(root.FS()), nil, nil}
	guest.holds("link", "content")
	guest.refuse("out", 0, EPERM)
	guest.refuse("link", NoFollow, ELOOP)
	if target, e := guest.Readlink("link"); target != "f" || e != OK {
		t.Errorf("readlink: %q, %v", target, e)
	}
}

// What has to be read whole is bounded over all open files, and shared.
func TestReadOnlyBoundsWhatItLoads(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 40_000)
	guest := tree{t, ReadOnly(only{fstest.MapFS{
		"a": {Data: []byte(big)}, "b": {Data: []byte(big)}, "huge": {Data: make([]byte, 64_001)},
	}, false}), nil, nil}
	guest.FS.(*readOnly).loaded.most = 64_000
	a, again, b := guest.open("a", 0), guest.open("a", 0), guest.open("b", 0)
	p := make([]byte, 3)
	for _, f := range []File{a, again, a} {
		if n, e := f.ReadAt(p, 40_000-2); n != 2 || e != OK {
			t.Errorf("read: %d, %v", n, e)
		}
	}
	for range 2 {
		_, e := b.ReadAt(p, 0)
		guest.want(e, ENOMEM, "read a second large file")
	}
	a.Close()
	again.Close()
	if n, e := guest.open("b", 0).ReadAt(p, 0); n != 3 || e != OK {
		t.Errorf("read when there is room again: %d, %v", n, e)
	}
	_, e := guest.open("huge", 0).ReadAt(p, 0)
	guest.want(e, ENOMEM, "read what is too large")
}

func TestReadOnlyPassesErrorsOn(t *testing.T) {
	t.Parallel()
	guest := tree{t, ReadOnly(broken{}), nil, nil}
	guest.refuse("f", 0, EIO)
	_, e := guest.Stat("f", true)
	guest.want(e, EIO, "stat")
}

type broken struct{}

func (broken) Open(string) (fs.File, error) { return nil, errors.New("out of order") }
