//go:build unix && !linux

package artifact

import (
	"os"
	"os/exec"
	"syscall"
)

// executable is this program.
func executable() (string, error) { return os.Executable() }

// prepare keeps a terminal's interrupt from the child: that is the parent's to
// handle.
func prepare(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
