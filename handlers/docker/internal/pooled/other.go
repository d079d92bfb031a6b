//go:build !linux

package pooled

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrGone is the error of a job whose server went away.
var ErrGone = errors.New("the pool's container is gone")

// Listener waits for the server of one container; there is none on this system.
type Listener struct{}

// Server is the server in one container; there is none on this system.
type Server struct{}

// Job is one command to run in the container.
type Job struct {
	Work
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

var errHere = fmt.Errorf("pools of containers: %w: they need the engine on Linux", errors.ErrUnsupported)

// Listen returns an error that is errors.ErrUnsupported.
func Listen(string) (*Listener, error) { return nil, errHere }

// Close does nothing.
func (*Listener) Close() error { return nil }

// Accept returns an error that is errors.ErrUnsupported.
func (*Listener) Accept(context.Context) (*Server, error) { return nil, errHere }

// Close does nothing.
func (*Server) Close() error { return nil }

// Run returns an error that is errors.ErrUnsupported.
func (*Server) Run(context.Context, Job) (Exit, error) { return Exit{}, errHere }
