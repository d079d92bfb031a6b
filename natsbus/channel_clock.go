package natsbus

import (
	"context"
	"sync"
	"time"
)

const (
	// clockFresh is how long a reading of the leader's clock is gone by. Oscillators
	// drift apart by less than a millisecond in that time.
	clockFresh = 10 * time.Second
	// clockStale is how long it is when there is no other.
	clockStale = 5 * time.Minute
)

// channelClock is what is known of the clock of the stream's leader: what it has
// been at least, when an answer came in that tells it. The time on the way is not
// known, and not counted: so nothing is taken to have expired early, and late only
// by that.
type channelClock struct {
	mu    sync.Mutex // guards what follows
	read  time.Time  // zero: never
	least int64      // Unix ns
}

// now is what the clock of the stream's leader shows at least.
func (c *Channel) now(ctx context.Context) (int64, error) {
	k := &c.clock
	k.mu.Lock()
	defer k.mu.Unlock()
	age := time.Since(k.read)
	if k.read.IsZero() || age > clockStale {
		if err := tries(ctx, c.readClock); err != nil {
			return 0, err
		}
	} else if age > clockFresh {
		once, cancel := context.WithTimeout(ctx, tryTime)
		_ = c.readClock(once) // what was read before will do
		cancel()
	}
	return k.least + int64(time.Since(k.read)), nil
}

// readClock reads the clock. The caller holds its lock.
func (c *Channel) readClock(ctx context.Context) error {
	s, err := c.handle(ctx)
	if err != nil {
		return err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return err
	}
	c.clock.read, c.clock.least = time.Now(), info.TimeStamp.UnixNano()
	return nil
}
