package cell

import (
	"fmt"
	"time"
)

// Death tells how a cell ended.
type Death struct {
	PID int
	// Signal is the name of the signal that ended it, "" if it exited.
	Signal string
	// ExitCode is what it exited with, -1 if a signal ended it.
	ExitCode int
	// Why is what it was killed for, in words; "" if it ended by itself.
	Why string
	// Stderr is how what it said there begins and ends, at most 16 KiB and a line.
	Stderr string
	// Age is how long it lived.
	Age time.Duration
}

// Died is true of a cell that ended by itself.
func (d Death) Died() bool { return d.Why == "" }

// String reads `exit code 2`, `signal: segmentation fault` or `killed: gave no sign
// of life for 5s`.
func (d Death) String() string {
	switch {
	case d.Why != "":
		return "killed: " + d.Why
	case d.Signal != "":
		return "signal: " + d.Signal
	}
	return fmt.Sprintf("exit code %d", d.ExitCode)
}
