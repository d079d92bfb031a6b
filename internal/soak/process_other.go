//go:build !linux

package soak

import (
	"os"
	"syscall"
)

// Signals of faults. A soak needs Linux: elsewhere there is none that suspends.
var signalStop, signalContinue, signalEnd, signalQuit os.Signal = os.Kill, os.Kill, os.Kill, os.Kill

func attributes() *syscall.SysProcAttr { return nil }

func runLocked(in <-chan func()) {
	for f := range in {
		f()
	}
}
