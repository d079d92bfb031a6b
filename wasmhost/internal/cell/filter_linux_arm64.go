package cell

import "golang.org/x/sys/unix"

const (
	auditArchitecture = unix.AUDIT_ARCH_AARCH64
	foreignNumbers    = 0xffffffff // there is one ABI
)

// What is named otherwise elsewhere, or absent.
var (
	alsoAllowed = []int{unix.SYS_FSTATAT}
	alsoDeadly  = []int{unix.SYS_KEXEC_FILE_LOAD}
)
