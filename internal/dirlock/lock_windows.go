package dirlock

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// Take locks a file until it is closed, or this process ends however.
func Take(name string, inUse error) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, fmt.Errorf("%w by another process: wait until it has ended, or use another directory", inUse)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// Held tells whether a process has the lock of a file, which must be there.
func Held(name string) (bool, error) {
	if _, err := os.Stat(name); err != nil {
		return false, err
	}
	held := errors.New("held")
	lock, err := Take(name, held)
	if err == nil {
		return false, lock.Close()
	}
	if errors.Is(err, held) {
		return true, nil
	}
	return false, err
}
