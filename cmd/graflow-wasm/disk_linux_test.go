package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownMounts is set in a process of the test that may mount.
const ownMounts = "GRAFLOW_TEST_MOUNTS"

// disk is a file system in memory, whose size a test sets.
type disk struct {
	t   *testing.T
	dir string
}

// withDisk runs f with a file system of its own: in this process, or, where it may
// not mount, in another one with a name space of its own.
func withDisk(t *testing.T, f func(d *disk)) {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	err := unix.Mount("none", d.dir, "tmpfs", 0, "size="+roomy)
	if errors.Is(err, unix.EPERM) && os.Getenv(ownMounts) == "" {
		inOtherMounts(t)
		return
	}
	if err != nil {
		d.missing(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(d.dir, 0); err != nil {
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	f(d)
}

// inOtherMounts runs the test in a process that may mount.
func inOtherMounts(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), ownMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	switch {
	case strings.Contains(string(out), "--- SKIP"), err != nil && cmd.ProcessState == nil:
		(&disk{t: t}).missing(fmt.Errorf("%w\n%s", err, out))
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
}

func (d *disk) missing(err error) {
	d.t.Helper()
	if os.Getenv("CI") != "" && os.Geteuid() == 0 {
		d.t.Fatal("mount a file system: ", err)
	}
	d.t.Skip("NOT TESTED: what a full disk does, as no file system can be mounted: ", err)
}

// roomy is more than the streams of a server may take. Nothing of it is taken before
// it is written to.
const roomy = "8g"

// leave makes the file system so large that n bytes of it are free, in pages.
func (d *disk) leave(n int) {
	d.t.Helper()
	for {
		var s unix.Statfs_t
		if err := unix.Statfs(d.dir, &s); err != nil {
			d.t.Fatal(err)
		}
		size := (s.Blocks-s.Bfree)*uint64(s.Bsize) + uint64(n)
		err := unix.Mount("none", d.dir, "", unix.MS_REMOUNT, fmt.Sprint("size=", size))
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINVAL) { // or more was written meanwhile
			d.t.Fatal(err)
		}
	}
}

// free makes room.
func (d *disk) free() {
	d.t.Helper()
	if err := unix.Mount("none", d.dir, "", unix.MS_REMOUNT, "size="+roomy); err != nil {
		d.t.Fatal(err)
	}
}

// save writes a file beside the file system, and is its name.
func (d *disk) save(name, text string) string {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), name)
	save(d.t, file, text)
	return file
}
