package cell

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errOneThread says that a program that is linked with C can't change all of its
// threads.
var errOneThread = errors.New("of one thread only: this program is linked with C")

// emptyBoundingSet takes away what root would get from a program. Only who has a
// capability for that can; without new privileges none comes back anyway.
func emptyBoundingSet() {
	for c := uintptr(0); c <= 63; c++ {
		err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
			return // there are no more
		}
	}
}

// dropCapabilities drops all capabilities of all threads, for good.
func dropCapabilities() error {
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil && !errors.Is(err, errOneThread) {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	err := onAllThreads(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)))
	runtime.KeepAlive(&header)
	return err
}

// becomeNobody takes an id that owns nothing.
func becomeNobody() error {
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave groups: %w", err)
	}
	if err := syscall.Setresgid(nobody, nobody, nobody); err != nil {
		return fmt.Errorf("change group: %w", err)
	}
	if err := syscall.Setresuid(nobody, nobody, nobody); err != nil {
		return fmt.Errorf("change user: %w", err)
	}
	// The change of user made the system forget this, and whose /proc/self is.
	return errors.Join(
		unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0),
		unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0),
	)
}

// onAllThreads makes a system call on all threads; in a program that is linked
// with C on this one, and returns errOneThread.
func onAllThreads(trap, a1, a2 uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a1, a2, 0, 0, 0, 0)
	if errno == syscall.ENOTSUP {
		if _, _, errno = syscall.Syscall6(trap, a1, a2, 0, 0, 0, 0); errno == 0 {
			return errOneThread
		}
	}
	if errno != 0 {
		return errno
	}
	return nil
}
