package cell

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// quiet are the flags of all that a cell mounts.
const quiet = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// ownRoot gives this process, which is in a mount namespace of its own, an empty
// root directory in memory, with a directory for scratch files and one for what
// the kernel says about it alone. It returns why the latter is missing.
func ownRoot(scratch int64) (noProc, err error) {
	// What is mounted here is not to appear outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("make mounts private: %w", err)
	}
	root, err := mountRoot(scratch)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(root+"/tmp", 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(root+"/tmp", 0o777); err != nil { // this process may become another user
		return nil, err
	}
	noProc = mountProc(root + "/proc")
	if err := os.Chdir(root); err != nil {
		return nil, err
	}
	// The old root comes to lie over the new one, and is taken away.
	if err := unix.PivotRoot(".", "."); err != nil {
		return nil, fmt.Errorf("change root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return nil, fmt.Errorf("leave old root: %w", err)
	}
	return noProc, os.Chdir("/")
}

// mountRoot mounts a file system in memory over a directory that is there, and
// returns its path. The directory is one that nothing here needs.
func mountRoot(scratch int64) (string, error) {
	options := fmt.Sprintf("mode=755,size=%d,nr_inodes=16384", scratch)
	var errs []error
	for _, dir := range []string{"/dev", "/tmp", "/sys", "/etc"} {
		err := unix.Mount("tmpfs", dir, "tmpfs", quiet, options)
		if err == nil {
			return dir, nil
		}
		errs = append(errs, fmt.Errorf("mount a root directory at %s: %w", dir, err))
	}
	return "", errors.Join(errs...)
}

// mountProc shows this process its own descriptors and pages, and nothing of the
// machine. Where the rest of /proc is hidden, as in many containers, the system
// mounts no other, and a part of the old one is taken.
func mountProc(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	first := unix.Mount("proc", dir, "proc", quiet|unix.MS_RDONLY, "subset=pid")
	if first == nil {
		return nil
	}
	self := dir + "/self"
	if err := os.Mkdir(self, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("/proc/self", self, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("no /proc: %w; nor a part of it: %w", first, err)
	}
	return nil
}
