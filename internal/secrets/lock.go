package secrets

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockPause is how long a writer waits before it tries again.
const lockPause = 5 * time.Millisecond

// lock waits until no other writer of file, in any process, has it, or ctx ends.
// What is locked is a file beside it, which stays: file itself is replaced.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	file = follow(file)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	held, err := os.OpenFile(file+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", file, err)
	}
	for {
		locked, err := tryLock(held)
		if locked {
			return func() { _ = held.Close() }, nil // closing unlocks
		}
		if err == nil {
			err = pause(ctx)
		}
		if err != nil {
			_ = held.Close()
			return nil, fmt.Errorf("wait for other writers of %s: %w", file, err)
		}
	}
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(lockPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
