//go:build unix && !linux

package selfexec

import (
	"os"
	"os/exec"
	"syscall"
)

// Executable is this program.
func Executable() (string, error) { return os.Executable() }

// Prepare keeps a terminal's interrupt from the child: that is the parent's to
// handle.
func Prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
