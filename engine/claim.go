package engine

import (
	"context"
	"errors"
	"time"
)

// claims tells that the attempt must be known to have begun, on a shared backend:
// by whoever would fail it for waiting too long, or roll back what it has done.
func (d *Delivery) claims() bool {
	t := d.Task
	return d.Recovery == nil && (t.QueueTimeout > 0 || t.Deadline > 0 || t.Rollback != "")
}

// losses is how many workers have begun the attempt and not ended it. Whether the
// first had begun one that need not be claimed nobody knows: it is taken for lost.
func (d *Delivery) losses() int {
	if d.claims() {
		return d.Claims
	}
	return d.Claims + 1
}

// unclaimed tells that no worker has begun the activation's attempt.
func (act *activation) unclaimed() bool {
	return act.delivery != nil && act.delivery.claims() && act.claimed.IsZero()
}

// claim tells the run's log that the attempt begins here. From then on whatever
// another worker does with the same attempt conflicts. It reports false if the
// activation has gone on meanwhile.
func (a *attempt) claim(ctx context.Context) (bool, error) {
	d := *a.delivery
	e := &Event{Type: EventBegun, Time: a.engine.now(), Activation: d.Activation, Attempt: d.Attempt, Started: a.started, Worker: a.engine.cfg.Name}
	seq, err := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, d.Rev, e)
	switch {
	case errors.Is(err, ErrConflict):
		return false, nil
	case err != nil:
		return false, err
	}
	d.Rev = seq
	a.delivery = &d
	return true, nil
}

// begunAt keeps that a worker has begun the attempt: from now on it counts as
// begun, and waits for no worker.
func (r *Run) begunAt(act *activation, e *Event) {
	act.claimed = e.Time
	d := *act.delivery
	d.Rev = act.rev
	d.Claims++
	act.delivery = &d
	r.note(r.taskNotice(NoticeTaskStarted, act, e))
	if act.timing != nil {
		act.timing.queued = time.Time{}
	}
	r.stopAgain(act)
}

// stopAgain asks for the stop of an attempt whose chain has gone on, if it is to stop:
// who has it does not know, or who was to settle it asks for what was before.
func (r *Run) stopAgain(act *activation) {
	if act.stopping {
		c := Command{Kind: CommandStop, Activation: act.id, Attempt: act.attempt, Rev: act.rev, Begun: true}
		if act.isRollback() {
			c.After, c.Begin = rollbackBound, true
		}
		r.commands = append(r.commands, c)
	}
}

// returned lets another worker begin the attempt anew.
func (r *Run) returned(act *activation, e *Event) {
	if act.stopping {
		act.run.applyTo(act, &Event{Type: EventStopped, Seq: e.Seq, Time: e.Time, Attempt: e.Attempt, Started: e.Started})
		return
	}
	d := *act.delivery
	d.Rev, d.Sent, d.Claims = act.rev, act.rev, 0
	r.dispatch(act, &d)
}

// atRest tells that no attempt of a held run is with a worker.
func (r *Run) atRest() bool {
	for _, act := range r.live {
		if act.list == nil && act.pause == nil && !act.retrying && !act.flows() {
			return false
		}
	}
	return true
}
