package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrUnreadable is what a storage answers if what it keeps is not what was written, and
// never will be.
var ErrUnreadable = errors.New("unreadable")

// isCorrupt tells that to read it again is of no use, nor that another process does.
func isCorrupt(err error) bool {
	return !errors.Is(err, ErrNewer) && (errors.Is(err, ErrUnreadable) || errors.Is(err, ErrGraph))
}

// condemn ends a run of this process's share that can't be read: it is a dead letter,
// and failed in lists. Its log stays as it is.
func (e *Engine) condemn(ctx context.Context, run string, why error) error {
	now := time.Now()
	if err := e.cluster.Bury(ctx, DeadLetter{Run: run, Reason: why.Error(), Time: now}); err != nil {
		return err
	}
	e.counters.deadLetters.Add(1)
	if err := e.cluster.Mark(ctx, Mark{Run: run, Status: StatusFailed, Reason: ReasonCorrupt, Ended: now, Error: why.Error()}); err != nil {
		return err
	}
	e.counters.finished(StatusFailed)
	if q, ok := e.backend.Queue.(withdrawer); ok {
		if err := q.Purge(ctx, run, "", 0); err != nil {
			return fmt.Errorf("withdraw the tickets of run %q: %w", run, err)
		}
	}
	return e.cluster.Signal(ctx, Signal{Kind: SignalEnded, Run: run})
}

// reject takes a ticket off the queue whose run can't be read here: it is a dead
// letter, and its attempt fails, as whoever drives the run may be able to read what
// this process can't.
func (e *Engine) reject(ctx context.Context, lease Lease, why error) error {
	d := lease.Delivery()
	letter := DeadLetter{
		Run: d.Run, Activation: d.Activation, Attempt: d.Attempt, Rev: d.Rev, Delivered: lease.Delivered(), Reason: why.Error(), Time: time.Now(),
	}
	if d.Task != nil {
		letter.Task = d.Task.ID
	}
	if err := e.cluster.Bury(ctx, letter); err != nil {
		return err
	}
	e.counters.deadLetters.Add(1)
	rev := d.Rev
	if lease.Delivered() > 1 { // it may have been claimed
		last, err := e.backend.Journal.Last(ctx, d.Run, d.Activation)
		if err != nil {
			return err
		}
		rev = max(rev, last)
	}
	failed := &Event{
		Type: EventFailed, Time: letter.Time, Activation: d.Activation, Attempt: d.Attempt,
		Error: &TaskError{Kind: KindError, Message: why.Error(), Permanent: true, Err: why},
	}
	switch _, err := e.backend.Journal.Append(ctx, d.Run, d.Activation, rev, failed); {
	case err == nil:
		e.counters.count(failed)
	case !errors.Is(err, ErrConflict):
		return err
	}
	return lease.Ack(ctx)
}
