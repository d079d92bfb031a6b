package selfexec

import (
	"os/exec"
	"syscall"
)

// Executable is this program, even if its file was replaced since.
func Executable() (string, error) { return "/proc/self/exe", nil }

// Prepare ties the child's life to the thread that starts it, and keeps a
// terminal's interrupt from it: that is the parent's to handle.
func Prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
