//go:build unix

package guestfs

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Were one of these opened as files are, the test would hang.
func TestPipesAndDevicesDoNotOpen(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	hostLink(t, "pipe", dir, "link")
	listener, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	paths := []string{"pipe", "link", "socket"}
	switch err := unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))); {
	case err == nil:
		paths = append(paths, "null")
	case !errors.Is(err, unix.EPERM):
		t.Fatal(err)
	default:
		t.Log("no device made: that takes root")
	}
	for _, path := range paths {
		for _, flags := range []OpenFlags{0, Write, Create, Create | Write, Truncate, Write | Truncate} {
			guest.refuse(path, flags, EPERM)
		}
		guest.refuse(path, Directory, ENOTDIR)
		if st, e := guest.Stat(path, true); e != OK || st.Type == TypeRegular || st.Type == TypeDirectory || st.Size != 0 {
			t.Errorf("stat %q: %+v, %v", path, st, e)
		}
	}
	guest.used(0)
}

// A name changes under the guest between a file, a directory, a pipe and a
// link out, as fast as it can. The guest never waits and never sees outside.
func TestSwappingDoesNotLeadOut(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	outside := t.TempDir()
	secret := hostFile(t, "secret", outside, "f")
	stage := t.TempDir()
	hostFile(t, "inside", stage, "file")
	hostLink(t, secret, stage, "link")
	hostLink(t, "../d2/f", stage, "inner")
	if err := unix.Mkfifo(filepath.Join(stage, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	guest.mkdir("d", "d2")
	guest.put("d2/f", "inside")

	done := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		swap(t, done, stage, filepath.Join(dir, "d", "f"), "file", "inner", "file", "link", "pipe")
	})
	swapper.Go(func() { swapDir(t, done, filepath.Join(dir, "way"), filepath.Join(dir, "d2"), outside) })
	inner, _ := guest.Stat("d2/f", false)
	seen := map[string]int{}
	for range 4000 {
		for path, flags := range map[string]OpenFlags{"d/f": 0, "way/f": 0, "d/./f": Write, "./d/f": NoFollow, "way/./f": Write} {
			f, e := guest.Open(path, flags)
			if e != OK {
				seen[e.Error()]++
				continue
			}
			st, _ := f.Stat()
			got := read(t, f, 0, 10)
			if st.Type != TypeRegular || got != "inside" {
				t.Errorf("open %q: type %d, %q", path, st.Type, got)
			}
			if flags&NoFollow != 0 && st.Inode == inner.Inode {
				t.Error("a link was followed that must not be")
			}
			seen[got]++
			f.Close()
		}
	}
	close(done)
	swapper.Wait()
	t.Log(seen)
	if seen["inside"] == 0 || seen[EPERM.Error()] == 0 {
		t.Errorf("nothing was swapped in time: %v", seen)
	}
}

// swap puts hard links to what is staged at a path, one after the other.
func swap(t *testing.T, done <-chan struct{}, stage, path string, names ...string) {
	t.Helper()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		next := filepath.Join(stage, "next")
		if err := unix.Linkat(unix.AT_FDCWD, filepath.Join(stage, names[i%len(names)]), unix.AT_FDCWD, next, 0); err != nil {
			t.Errorf("link: %v", err)
			return
		}
		if err := os.Rename(next, path); err != nil {
			t.Errorf("rename: %v", err)
			return
		}
	}
}

// swapDir points a link now to one directory, now to the other.
func swapDir(t *testing.T, done <-chan struct{}, path string, targets ...string) {
	t.Helper()
	targets[0] = filepath.Base(targets[0])
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		next := path + ".next"
		if err := errors.Join(os.Symlink(targets[i%len(targets)], next), os.Rename(next, path)); err != nil {
			t.Errorf("swap: %v", err)
			return
		}
	}
}

// Two trees of one directory append in turn, as two calls would.
func TestAppendGoesToTheEndThatIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var writers sync.WaitGroup
	for range 4 {
		guest := tree{t, openDir(t, dir, true, NewQuota(enough)), nil, nil}
		f := guest.open("log", Create|Write)
		writers.Go(func() {
			for range 1000 {
				if n, e := f.Append([]byte("0123456789")); n != 10 || e != OK {
					t.Errorf("append: %d, %v", n, e)
				}
			}
		})
	}
	writers.Wait()
	if info, err := os.Stat(filepath.Join(dir, "log")); err != nil || info.Size() != 40_000 {
		t.Errorf("got %d bytes (%v), want 40000", info.Size(), err)
	}
}

func TestNamesOutsideUTF8AreLeftOut(t *testing.T) {
	t.Parallel()
	guest, dir := newTree(t)
	if err := os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o600); err != nil {
		t.Skipf("no such names here: %v", err)
	}
	guest.put("b", "")
	guest.lists("", "b")
}
