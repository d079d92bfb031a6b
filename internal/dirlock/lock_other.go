//go:build !unix && !windows

package dirlock

import (
	"errors"
	"fmt"
	"io"
)

// Take refuses: without locks, two processes would write over each other.
func Take(name string, inUse error) (io.Closer, error) {
	return nil, fmt.Errorf("lock %s: this system has no file locks: %w", name, errors.ErrUnsupported)
}

// Held refuses, as Take does.
func Held(name string) (bool, error) {
	return false, fmt.Errorf("lock %s: this system has no file locks: %w", name, errors.ErrUnsupported)
}
