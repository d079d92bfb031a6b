package cell

import "golang.org/x/sys/unix"

const (
	auditArchitecture = unix.AUDIT_ARCH_X86_64
	foreignNumbers    = 0x40000000 // from here on those of the x32 ABI
)

// What other architectures have no number for.
var (
	alsoAllowed = []int{unix.SYS_NEWFSTATAT, unix.SYS_EPOLL_WAIT, unix.SYS_ARCH_PRCTL, unix.SYS_POLL}
	alsoDeadly  = []int{
		unix.SYS_FORK, unix.SYS_VFORK, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT,
		unix.SYS_KEXEC_FILE_LOAD,
	}
)
