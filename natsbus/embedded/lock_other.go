//go:build !unix && !windows

package embedded

import (
	"errors"
	"fmt"
	"io"
)

// takeLock refuses: without locks, two processes would write over each other.
func takeLock(name string) (io.Closer, error) {
	return nil, fmt.Errorf("lock %s: this system has no file locks: %w", name, errors.ErrUnsupported)
}
