//go:build !unix

package term

import "os"

// Endings are the signals that end a program, and that a Screen is to be restored for.
func Endings() []os.Signal { return []os.Signal{os.Interrupt} }

// NotifyResize tells nothing here: the size is looked at with each drawing.
func NotifyResize(chan<- os.Signal) (stop func()) { return func() {} }

// Stop does nothing here.
func Stop() {}
