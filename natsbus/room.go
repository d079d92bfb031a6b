package natsbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// defaultReady is how many tickets may be there when a run is begun.
	defaultReady = 1_000_000
	// roomFor is how long an answer holds: a submitter of many runs asks once.
	roomFor = time.Second
)

// room is whether the work queue has room for the tasks of new runs. It is safe for
// concurrent use.
type room struct {
	mu   sync.Mutex // guards what follows
	at   time.Time
	full error
}

// hasRoom returns ErrFull while the work queue holds as many tickets as Config.MaxReady,
// or nine tenths of the bytes that it may: the rest is for runs that have begun.
func (b *Bus) hasRoom(ctx context.Context) error {
	if b.cfg.MaxReady < 0 {
		return nil
	}
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	if time.Since(b.room.at) < roomFor {
		return b.room.full
	}
	var info jetstream.StreamInfo
	err := b.api(ctx, "STREAM.INFO."+streamTasks, struct{}{}, &info)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, ErrDenied):
		return nil // others will say so, or it is not for this process to know
	case err != nil:
		return fmt.Errorf("ask whether the queue has room: %w", err)
	}
	b.room.at, b.room.full = time.Now(), nil
	switch most := info.Config.MaxBytes; {
	case info.State.Msgs >= uint64(b.cfg.MaxReady):
		b.room.full = fmt.Errorf("%w: %d tasks wait or run, new runs begin below %d", ErrFull, info.State.Msgs, b.cfg.MaxReady)
	case most > 0 && info.State.Bytes >= uint64(most)/10*9:
		b.room.full = fmt.Errorf("%w: it holds %d of %d bytes", ErrFull, info.State.Bytes, most)
	}
	return b.room.full
}
