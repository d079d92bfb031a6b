//go:build !linux

package lines

import (
	"errors"
	"fmt"
)

// Server answers one attempt's requests.
type Server struct{}

// Listen refuses: a container that shares this system's kernel is needed.
func Listen(Config) (*Server, error) {
	return nil, fmt.Errorf("make the socket of a container: only on Linux: %w", errors.ErrUnsupported)
}

// Close is never called.
func (*Server) Close() Outcome { return Outcome{} }
