package selfexec

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// DropPrivileges forbids setuid programs to all threads; in a program linked with
// C, where Go can't, to this one and those it starts.
func DropPrivileges() error {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0)
	switch errno {
	case 0:
		return nil
	case syscall.ENOTSUP:
		return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	return errno
}

// Lower sets a limit of this process, but never above what is set already.
func Lower(resource int, soft, hard uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, now.Max), Max: min(hard, now.Max)})
}

// Mapped is the address space this process has reserved so far, and how much of
// it may be written to and is its own; Go reserves much that it never touches, and
// the race detector terabytes.
func Mapped() (all, data uint64, err error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(statm)
	if len(fields) < 6 {
		return 0, 0, fmt.Errorf("read /proc/self/statm: %q", statm)
	}
	for at, into := range map[int]*uint64{0: &all, 5: &data} {
		pages, err := strconv.ParseUint(string(fields[at]), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read /proc/self/statm: %w", err)
		}
		*into = pages * uint64(os.Getpagesize())
	}
	return all, data, nil
}
