package cell

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// closeInherited closes what this process was born with beside its own: what the
// program that started it had from elsewhere. All that Go opens itself is marked
// to be closed at birth, so what is not marked was inherited.
func closeInherited() error {
	for _, fd := range openDescriptors() {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if fd <= socketDescriptor || err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// openDescriptors lists at least all that are open; without /proc only the first
// thousands.
func openDescriptors() []int {
	entries, err := os.ReadDir("/proc/self/fd")
	fds := make([]int, 0, len(entries))
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			fds = append(fds, fd)
		}
	}
	for fd := 0; err != nil && fd < 4096; fd++ {
		fds = append(fds, fd)
	}
	return fds
}
