package natsbus

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// channelWrite is a change of a subject that somebody waits for.
type channelWrite struct {
	subject string
	// apply changes the draft, or refuses to. It is called again when another
	// process was faster.
	apply func(*draft) error
	// undo is written when apply was, but nobody waits for it any more; nil: it may
	// stand.
	undo func(*draft) error

	gone    <-chan struct{} // closed when nobody waits any more
	settled atomic.Bool     // claimed by who waits, to leave, or by who decides
	done    chan error      // of 1
}

// write makes a change. Those that processes make of one subject are decided by
// compare-and-set; those of this one that come while another is under way are made
// together, by one message. So many writers of a key hinder one another only as far
// as they are processes.
func (c *Channel) write(ctx context.Context, w *channelWrite) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.gone, w.done = ctx.Done(), make(chan error, 1)
	if err := c.enqueue(ctx, w); err != nil {
		return err
	}
	var err error
	select {
	case err = <-w.done:
	case <-ctx.Done():
		if w.settled.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		err = <-w.done
	}
	if errors.Is(err, errLeft) {
		return ctx.Err()
	}
	return err
}

// errLeft is what becomes of a write for which nobody waits.
var errLeft = errors.New("nobody waits")

func (c *Channel) enqueue(ctx context.Context, w *channelWrite) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return engine.ErrClosed
	}
	waiting, driven := c.queues[w.subject]
	c.queues[w.subject] = append(waiting, w)
	if !driven {
		ctx := context.WithoutCancel(ctx) // others' writes come to it
		c.drives.Go(func() { c.drive(ctx, w.subject) })
	}
	return nil
}

// drive makes the writes of a subject until none wait.
func (c *Channel) drive(ctx context.Context, subject string) {
	for {
		c.mu.Lock()
		batch := c.queues[subject]
		if len(batch) == 0 {
			delete(c.queues, subject)
			c.mu.Unlock()
			return
		}
		c.queues[subject] = nil
		c.mu.Unlock()
		for _, w := range c.settle(ctx, subject, batch) {
			_ = c.enqueue(ctx, &channelWrite{subject: subject, apply: w.undo, done: make(chan error, 1)}) // closed: it is too late
		}
	}
}

// settle makes writes, in their order, and returns those to be undone.
func (c *Channel) settle(ctx context.Context, subject string, batch []*channelWrite) (undo []*channelWrite) {
	var errs []error
	for n := 0; ; n++ {
		if batch = awaited(batch); len(batch) == 0 {
			return nil
		}
		var err error
		if errs, err = c.attempt(ctx, subject, batch); !errors.Is(err, engine.ErrConflict) {
			break
		}
		time.Sleep(rand.N(min(time.Millisecond<<min(n, 10), 50*time.Millisecond))) // another has written: let them
	}
	for i, w := range batch {
		if w.settled.CompareAndSwap(false, true) {
			w.done <- errs[i]
		} else if w.undo != nil && errs[i] == nil {
			undo = append(undo, w)
		}
	}
	return undo
}

// awaited are the writes for which somebody waits.
func awaited(batch []*channelWrite) []*channelWrite {
	var all []*channelWrite
	for _, w := range batch {
		select {
		case <-w.gone: // never of nil
			if w.settled.CompareAndSwap(false, true) {
				w.done <- errLeft
			}
		default:
			all = append(all, w)
		}
	}
	return all
}

// attempt makes writes once, all or none, and returns what became of each, or
// engine.ErrConflict.
func (c *Channel) attempt(ctx context.Context, subject string, batch []*channelWrite) ([]error, error) {
	errs := make([]error, len(batch))
	old, now, err := c.last(ctx, subject)
	changed := false
	if err == nil {
		next := old.draft(now)
		for i, w := range batch {
			tried := next
			if errs[i] = w.apply(&tried); errs[i] == nil {
				next, changed = tried, true
			}
		}
		if changed {
			err = c.replace(ctx, subject, &old, &next)
		}
	}
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs, err
}

// replace publishes a draft in place of a cell, or returns engine.ErrConflict.
func (c *Channel) replace(ctx context.Context, subject string, old *cell, next *draft) error {
	m, id := next.message(subject, old)
	open := false // whether an earlier try may have been stored
	return tries(ctx, func(ctx context.Context) error {
		_, err := c.bus.publishOnce(ctx, m)
		switch {
		case open && isWrongLast(err):
			return c.placed(ctx, subject, old, id)
		case !open && isInFlight(err):
			return engine.ErrConflict // another's
		}
		open = open || err != nil && unanswered(err)
		return err
	})
}

// placed tells what became of a write of which a try may have been stored: nil, it
// was; engine.ErrConflict, it was not; ErrUnreachable, that can't be known.
func (c *Channel) placed(ctx context.Context, subject string, old *cell, id []byte) error {
	m, err := c.lastMessage(ctx, subject)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.ErrConflict // it was forgotten
	}
	if err != nil {
		return err
	}
	last, err := readCell(m.Sequence, m.Time, m.Header, m.Data)
	switch {
	case err != nil:
		return err
	case last.wrote(id):
		return nil
	case len(last.ids) < maxIDs*idSize, len(old.ids) > 0 && last.wrote(old.ids[:idSize]):
		return engine.ErrConflict // all that was written since is known
	}
	return errOutcomeOpen
}

var errOutcomeOpen = errors.Join(ErrUnreachable, errors.New("while it did not, others have written too often to know"))

// isInFlight tells that a write was refused as another of its subject is being
// replicated.
func isInFlight(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == codeInFlight
}
