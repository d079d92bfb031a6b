package cell

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// landlock forbids this process, for good, all files but those below scratch and
// what the kernel says of it, all TCP, and signals to others and their abstract sockets, as far as this kernel
// knows how to. Files that are open stay so, but what is below an open directory
// is forbidden too. No privileges may be to be had by now.
func landlock(scratch string) error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return fmt.Errorf("this kernel has none: %w", errno)
	}
	attr := landlockRules(int(version))
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("make rules: %w", errno)
	}
	defer unix.Close(int(rules)) //nolint:errcheck // nothing was written to it
	if err := landlockBeneath(int(rules), scratch, attr.files); err != nil {
		return fmt.Errorf("allow %s: %w", scratch, err)
	}
	// Which pages are dirty; and what is open, which opens nothing else.
	const read = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	_ = landlockBeneath(int(rules), "/proc/self", read) // slower without
	err := onAllThreads(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0)
	runtime.KeepAlive(&attr)
	return err
}

// landlockRuleset is struct landlock_ruleset_attr as of version 6. A kernel takes
// what it doesn't know if it is zero.
type landlockRuleset struct{ files, network, scoped uint64 }

// landlockRules are all that version knows.
func landlockRules(version int) landlockRuleset {
	a := landlockRuleset{files: 1<<13 - 1}
	if version >= 2 {
		a.files |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		a.files |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		a.network = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		a.files |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		a.scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return a
}

// landlockBeneath allows access to what is in a directory.
func landlockBeneath(rules int, dir string, access uint64) error {
	if dir == "" {
		return nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written to it
	// struct landlock_path_beneath_attr is packed: what follows the 12 bytes is not
	// looked at.
	beneath := struct {
		access uint64
		fd     int32
	}{access, int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
	runtime.KeepAlive(&beneath)
	if errno != 0 {
		return errno
	}
	return nil
}
