//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"
)

// Endings are the signals that end a program, and that a Screen is to be restored for.
func Endings() []os.Signal {
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
}

// NotifyResize has changes of the terminal's size told on c, until stop.
func NotifyResize(c chan<- os.Signal) (stop func()) {
	signal.Notify(c, syscall.SIGWINCH)
	return func() { signal.Stop(c) }
}

// Stop stops the processes of this one's group, as Ctrl-Z does, until they are continued.
func Stop() { _ = syscall.Kill(0, syscall.SIGTSTP) } // which can't be refused to itself
