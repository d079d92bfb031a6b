package natsbus

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Acknowledgments, as the server reads them.
var (
	ackDone     = []byte("+ACK")
	ackAgain    = []byte("-NAK")
	ackProgress = []byte("+WPI")
	ackTerm     = []byte("+TERM not a ticket")
)

// lease is a ticket that this process holds, by its own clock: the server takes an
// ack from anybody at any time, so that who is late must know by itself. It ends a
// twentieth early, for the time that the delivery was on its way.
type lease struct {
	queue     *Queue
	delivery  *engine.Delivery
	reply     string
	delivered int
	term      time.Duration
	until     atomic.Int64 // as time since epoch; 0 is settled
}

var _ engine.Lease = (*lease)(nil)

// epoch is what times of leases are counted from, on the monotonic clock.
var epoch = time.Now()

func (l *lease) begin() { l.until.Store(int64(time.Since(epoch) + l.term - l.term/20)) }

func (l *lease) Delivery() *engine.Delivery { return l.delivery }

func (l *lease) Delivered() int { return l.delivered }

// Ack is not confirmed by the server: should it be lost, the ticket comes again,
// and finds its chain committed.
func (l *lease) Ack(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	return translate(l.queue.wire.Publish(l.reply, ackDone))
}

// Nak waits until the server knows: else who receives next might get what is
// behind it.
func (l *lease) Nak(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.settle(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	_, err := l.queue.wire.RequestWithContext(ctx, l.reply, ackAgain)
	return translate(err)
}

// drop is a Nak that does not wait.
func (l *lease) drop() {
	if l.settle() == nil {
		_ = l.queue.wire.Publish(l.reply, ackAgain) // should it fail, the lease runs out
	}
}

// settle ends the lease in this process.
func (l *lease) settle() error {
	if until := l.until.Swap(0); until == 0 || int64(time.Since(epoch)) >= until {
		return engine.ErrLeaseLost
	}
	return nil
}

// Extend is not confirmed by the server either. While there is no connection it is
// ErrUnreachable.
func (l *lease) Extend(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	until := l.until.Load()
	begun := time.Since(epoch) // before it is sent: the server's lease ends later
	if until == 0 || int64(begun) >= until {
		return engine.ErrLeaseLost
	}
	if !l.queue.wire.IsConnected() { // else it would be sent once that is too late
		return fmt.Errorf("extend a lease: %w", ErrUnreachable)
	}
	if err := l.queue.wire.Publish(l.reply, ackProgress); err != nil {
		return translate(err)
	}
	if !l.until.CompareAndSwap(until, int64(begun+l.term-l.term/20)) && l.until.Load() == 0 {
		return engine.ErrLeaseLost
	}
	return nil
}
