//go:build linux || darwin

package dockertest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock waits until no other test process of this machine, and nobody in this one,
// is making what has this name. The file stays: were it removed, two could have it.
func lock(name string) (unlock func(), err error) {
	file := fmt.Sprintf("graflow-test-%d-%.4x.lock", os.Getuid(), sha256.Sum256([]byte(name)))
	f, err := os.OpenFile(filepath.Join(os.TempDir(), file), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		_ = f.Close() // the first error is the one to tell
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	// A child that is being started may have a copy of the file, and with it the lock.
	return func() { _ = errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close()) }, nil
}
