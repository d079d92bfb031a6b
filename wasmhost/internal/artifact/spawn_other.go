//go:build !unix

package artifact

import (
	"os"
	"os/exec"
)

// executable is this program.
func executable() (string, error) { return os.Executable() }

func prepare(*exec.Cmd) {}
