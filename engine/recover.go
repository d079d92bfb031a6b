package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrModule refuses to go on with a run whose code is missing, or is not what it
// was.
var ErrModule = errors.New("the run's code is not there")

// Recover goes on with a run from its journal, in a process that has not started
// it, or after its storage failed: tasks that had ended stay so, attempts that had
// not are begun again, timers fire when they were to. Of a run that has ended the
// Running is done, with the same outcome. Needs Config.Retain.
//
// It returns the Running that there is if this engine drives the run already;
// ErrNotFound if there is no such run, and ErrModule.
func (e *Engine) Recover(ctx context.Context, run string) (*Running, error) {
	o, err := e.takeOver(ctx, run, func(o *Running) error { //nolint:contextcheck // its timers are the run's
		o.told = e.cluster == nil && o.run.status != StatusRunning // it had ended before: on a shared backend nobody knows yet
		if err := o.carryOut(o.run.Outstanding(), false); err != nil {
			return err
		}
		return o.settleOverdue()
	})
	if err != nil {
		return nil, fmt.Errorf("recover run %q: %w", run, err)
	}
	return o, nil
}

// Retry lets a run go on that has ended: its failed and stopped tasks are begun
// again, or what from says; what had succeeded stays so. The budgets of steps, of
// attempts and of the run's time begin anew, those of cycles do not. Needs
// Config.Retain. It returns ErrNotRetryable, and the errors of Recover.
func (e *Engine) Retry(ctx context.Context, run string, from RetryFrom) (*Running, error) {
	if from.Input != nil && !json.Valid(from.Input) {
		return nil, fmt.Errorf("retry run %q: the input is not JSON: %s", run, short(from.Input))
	}
	if e.running(run) != nil {
		return nil, fmt.Errorf("retry run %q: it has not ended: %w", run, ErrNotRetryable)
	}
	if j, ok := e.backend.Journal.(reviver); ok {
		if err := j.Revive(ctx, run); err != nil {
			return nil, fmt.Errorf("retry run %q: %w", run, err)
		}
	}
	for {
		o, begun, err := e.retry(ctx, run, from)
		switch {
		case err != nil:
			return nil, fmt.Errorf("retry: %w", err)
		case begun:
			return o, nil
		}
		if ended, _ := o.hasEnded(); !ended {
			return nil, fmt.Errorf("retry run %q: it has not ended: %w", run, ErrNotRetryable)
		}
	}
}

// reviver is a Journal that keeps the logs of runs that ended where nothing can be
// appended, and brings them back. A run whose log it has is left as it is.
type reviver interface {
	Revive(ctx context.Context, run string) error
}

// retry is Retry; begun is false if the run was taken over already: what was brought
// back is recovered by who owns it.
func (e *Engine) retry(ctx context.Context, run string, from RetryFrom) (o *Running, begun bool, err error) {
	o, err = e.takeOver(ctx, run, func(o *Running) error {
		if err := o.run.retryable(from); err != nil {
			return err
		}
		begun = true
		return o.append(ctx, &Event{Type: EventRetried, Task: from.Task, Input: from.Input})
	})
	if errors.Is(err, ErrRunExists) { // just now
		if there := e.running(run); there != nil {
			return there, false, nil
		}
		return e.retry(ctx, run, from)
	}
	return o, begun, err
}

// takeOver folds a run's journal and begins to drive it with what begin does.
func (e *Engine) takeOver(ctx context.Context, run string, begin func(*Running) error) (*Running, error) {
	if o := e.running(run); o != nil {
		return o, nil
	}
	g, err := e.graphOf(ctx, run)
	if err != nil {
		return nil, err
	}
	if e.cluster == nil {
		if err := e.Check(ctx, g); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrModule, err)
		}
	}
	o := newRunning(e, g, run)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := e.adopt(o); err != nil {
		return nil, err
	}
	err = o.catchUp(ctx)
	if err == nil {
		err = begin(o)
	}
	if err != nil {
		_ = o.abandon(err)
		e.recoverAgain(run) // what it has decided may be there, and was told to who has been abandoned
		return nil, err
	}
	o.startTimeout() //nolint:contextcheck // the timer is the run's
	if e.cluster != nil && !o.ended {
		e.workers.Go(o.drive)
	}
	return o, nil
}

// catchUp folds the journal without carrying out what followed then.
func (o *Running) catchUp(ctx context.Context) error {
	o.run.observed = false
	err := o.engine.each(ctx, o.id, nil, o.run, func(ev *Event) {
		if ev.decides() {
			o.decisions = ev.Seq
		}
	})
	if err == nil && o.engine.cluster == nil { // else whoever executes them will
		err = o.engine.checkPins(ctx, o.run)
	}
	o.run.commands = nil
	o.observe()
	return err
}

// each folds a run's events, those that it is based on included. after, if not
// nil, is called after each.
func (e *Engine) each(ctx context.Context, id string, first []*Event, run *Run, after func(*Event)) error {
	fold := func(ev *Event) error {
		run.Apply(ev)
		run.commands = run.commands[:0]
		if after != nil {
			after(ev)
		}
		return nil
	}
	return e.eachEvent(ctx, id, first, fold)
}

// eachEvent reads a run's events, each after those that it is based on. The first of
// them may have been read.
func (e *Engine) eachEvent(ctx context.Context, run string, first []*Event, f func(*Event) error) error {
	for events, after := first, uint64(0); ; events = nil {
		if len(events) == 0 {
			var err error
			if events, err = e.backend.Journal.Read(ctx, run, after); err != nil {
				return fmt.Errorf("read its log: %w", err)
			}
		}
		if len(events) == 0 {
			return nil
		}
		for _, ev := range events {
			after = ev.Seq
			if before := ev.events(); before != "" {
				if err := e.eachBefore(ctx, run, before, f); err != nil {
					return err
				}
			}
			if err := f(ev); err != nil {
				return err
			}
		}
	}
}

// eachBefore reads the events that a run is based on, JSON values one after
// another.
func (e *Engine) eachBefore(ctx context.Context, run, digest string, f func(*Event) error) error {
	r, err := e.backend.Blobs.Open(ctx, run, digest)
	if err != nil {
		return fmt.Errorf("read the events that it is based on: %w", err)
	}
	defer r.Close()
	if err := DecodeEvents(r, f); err != nil {
		return fmt.Errorf("the events that it is based on: %w", err)
	}
	return nil
}
