//go:build !unix

package selfexec

import (
	"os"
	"os/exec"
)

// Executable is this program.
func Executable() (string, error) { return os.Executable() }

// Prepare does nothing here.
func Prepare(*exec.Cmd) {}
