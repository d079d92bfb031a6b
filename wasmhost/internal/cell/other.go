//go:build !linux

package cell

import (
	"context"
	"os"
)

// Enabled is false: this system has no cells.
func Enabled() bool { return false }

// Child does nothing here.
func Child(func(*Conn) error, ...func()) {}

// Examine says that there are no cells here.
func Examine() Report { return Report{Problem: ErrSystem.Error()} }

// Conn is one end of a connection between a cell and its parent.
type Conn struct{}

// Write fails here.
func (*Conn) Write(byte, []byte, []byte, ...*os.File) error { return ErrSystem }

// Read fails here.
func (*Conn) Read() (Frame, error) { return Frame{}, ErrSystem }

// Pool is what starts and keeps cells.
type Pool struct{}

// New fails here.
func New(Config) (*Pool, error) { return nil, ErrSystem }

// Get fails here.
func (*Pool) Get(context.Context, Want) (*Cell, error) { return nil, ErrSystem }

// Lend fails here.
func (*Pool) Lend(context.Context, *os.File, bool) (*os.File, bool, error) {
	return nil, false, ErrSystem
}

// Stats is zero here.
func (*Pool) Stats() Stats { return Stats{} }

// Close does nothing here.
func (*Pool) Close() error { return nil }

// Cell is a child process that serves one tenant.
type Cell struct {
	*Conn
	Value any
}

// PID is 0 here.
func (*Cell) PID() int { return 0 }

// Walls is empty here.
func (*Cell) Walls() Report { return Report{} }

// Took does nothing here.
func (*Cell) Took() {}

// Done does nothing here.
func (*Cell) Done() {}

// Kill does nothing here.
func (*Cell) Kill(string) Death { return Death{} }

// Lost does nothing here.
func (*Cell) Lost() Death { return Death{} }
