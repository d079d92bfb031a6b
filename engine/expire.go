package engine

import (
	"errors"
	"fmt"
	"time"
)

// expired is the error of an activation that ran out of time.
func expired(t *Task, kind string) *TaskError {
	if kind == KindQueueTimeout {
		return &TaskError{Kind: kind, Message: fmt.Sprintf("task %q waited for a worker longer than its queue_timeout of %s", t.ID, time.Duration(t.QueueTimeout))}
	}
	return &TaskError{Kind: kind, Message: fmt.Sprintf("task %q exceeded its deadline of %s", t.ID, time.Duration(t.Deadline)), Permanent: true, Err: errDeadline}
}

// expired is the error of the end of a timer that bounds the activation.
func (act *activation) expired(c CommandKind) *TaskError {
	if c == CommandTimeout {
		return &TaskError{Kind: KindTimeout, Message: fmt.Sprintf("sub-flow %s exceeded its timeout of %s", act.id, act.run.flowTimeout(act)), Err: errTimeout}
	}
	return expired(act.run.taskOf(act), boundKinds[c])
}

// expire is the end of a timer that bounds an activation. An attempt that runs
// is stopped, and commits that; in place of one that does not, its failure is
// appended to its chain, by compare and set as any commit.
func (o *Running) expire(c Command) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expireNow(c)
}

// expireNow is expire for who holds mu.
func (o *Running) expireNow(c Command) {
	act := o.run.live[c.Activation]
	queued := c.Kind == CommandQueueTimeout
	if o.closed() != nil || act == nil || queued && (act.retrying || act.attempt != c.Attempt) {
		return
	}
	if queued && !act.timing.queued.Equal(c.At) {
		return // the timer of an earlier wait
	}
	if act.flows() && act.sub.verdict != nil { // it is ending already
		if c.Kind == CommandDeadline {
			o.bound(c, o.engine.patience()) // another attempt may follow
		}
		return
	}
	if c.Kind == CommandTimeout && (!act.flows() || act.attempt != c.Attempt) {
		return // the timer of an earlier attempt
	}
	if queued && o.run.held {
		o.bound(c, time.Duration(act.run.taskOf(act).QueueTimeout)) // no worker takes it meanwhile
		return
	}
	err := act.expired(c.Kind)
	if o.stopExpired(act, queued, err) {
		if !queued {
			// Should the attempt fail by itself just now, another may follow.
			o.bound(c, o.engine.patience())
		}
		return
	}
	e := &Event{Type: EventFailed, Reason: boundKinds[c.Kind], Error: err}
	failure := o.commitFor(act, e)
	if errors.Is(failure, ErrConflict) { // it ended at this moment
		if !queued && o.run.live[c.Activation] == act {
			o.bound(c, o.engine.patience())
		}
		failure = nil
	}
	if failure != nil && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Error("expire", "run", o.id, "activation", act.id, "err", failure)
	}
}

// stopExpired stops the activation's attempt if one runs and may not go on, and
// reports whether one runs. One that has not begun is kept from it: the worker
// that takes it fails it with err.
func (o *Running) stopExpired(act *activation, queued bool, err *TaskError) bool {
	if o.engine.cluster != nil {
		return !queued && o.askToEnd(act)
	}
	o.crew.mu.Lock()
	a := o.crew.attempts[act.id]
	running := a != nil && a.delivery.Rev == act.rev
	if !running && !act.retrying && act.pause == nil {
		o.crew.stops[act.id] = stopOrder{rev: act.rev, overdue: err}
	}
	o.crew.mu.Unlock()
	if running && !queued {
		a.stop(errDeadline)
	}
	return running
}
