//go:build unix

package dirlock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Take locks a file until it is closed, or this process ends however. If another
// process has it the error is inUse, and says which.
func Take(name string, inUse error) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return fileLock{f}, sign(f)
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder, _ := os.ReadFile(name)
		return nil, fmt.Errorf("%w by process %s: wait until it has ended, or use another directory", inUse, strings.TrimSpace(string(holder)))
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

type fileLock struct{ file *os.File }

// Close gives the lock back, also when a child that this process is about to
// start has still got a copy of the file: between fork and exec it has.
func (l fileLock) Close() error {
	return errors.Join(unix.Flock(int(l.file.Fd()), unix.LOCK_UN), l.file.Close())
}

// sign leaves this process's number for those who find the lock taken.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintln(f, os.Getpid())
	return err
}

// Held tells whether a process has the lock of a file, which must be there.
func Held(name string) (bool, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case errors.Is(err, unix.EWOULDBLOCK):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("lock %s: %w", name, err)
	}
	return false, unix.Flock(int(f.Fd()), unix.LOCK_UN)
}
