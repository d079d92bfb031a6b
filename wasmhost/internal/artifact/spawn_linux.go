package artifact

import (
	"os/exec"
	"syscall"
)

// executable is this program, even if its file was replaced since.
func executable() (string, error) { return "/proc/self/exe", nil }

// prepare ties the child's life to the thread that starts it, and keeps a
// terminal's interrupt from it: that is the parent's to handle.
func prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
