package soak

import (
	"os"
	"runtime"
	"syscall"
)

// Signals of faults.
var (
	signalStop     os.Signal = syscall.SIGSTOP
	signalContinue os.Signal = syscall.SIGCONT
	signalEnd      os.Signal = syscall.SIGTERM
	signalQuit     os.Signal = syscall.SIGQUIT
)

// attributes has the kernel kill a child when who started it is no more: one that is
// suspended can't see that its standard input has ended.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// runLocked runs functions, all on one thread.
func runLocked(in <-chan func()) {
	runtime.LockOSThread()
	for f := range in {
		f()
	}
}
