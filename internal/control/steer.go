package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// unfinished is the history of a run that has not ended, else ErrFinished.
func unfinished(ctx context.Context, e *engine.Engine, run string) (*engine.History, error) {
	h, err := history(ctx, e, run)
	if err != nil {
		return nil, err
	}
	if s := h.Outcome.Status; s != engine.StatusRunning && s != engine.StatusPaused {
		return nil, fmt.Errorf("run %q: %w: it %s", run, engine.ErrFinished, past(s))
	}
	return h, nil
}

func (d *Desk) unfinished(ctx context.Context, run string) (*engine.History, error) {
	return unfinished(ctx, d.Engine, run)
}

// howEnded adds to an err that says that a run has ended, how it did.
func howEnded(ctx context.Context, e *engine.Engine, run string, err error) error {
	if errors.Is(err, engine.ErrFinished) {
		if _, ended := unfinished(ctx, e, run); ended != nil {
			return ended
		}
	}
	return err
}

func (d *Desk) howEnded(ctx context.Context, run string, err error) error {
	return howEnded(ctx, d.Engine, run, err)
}

func past(s engine.Status) string {
	if s == engine.StatusCanceled {
		return "was canceled"
	}
	return string(s) // succeeded, failed
}

// recover begins to drive a run.
func (d *Desk) recover(ctx context.Context, run string) (*engine.Running, error) {
	return d.kept(d.Engine.Recover(ctx, run))
}

// kept makes a run known that this process has begun to drive.
func (d *Desk) kept(o *engine.Running, err error) (*engine.Running, error) {
	if err == nil {
		d.Keep(o)
	}
	return o, err
}

// Cancel cancels a run; of one that nobody drives, this process runs the
// rollbacks. ErrNotFound, ErrFinished.
func (d *Desk) Cancel(ctx context.Context, run, message string) error {
	if o := d.Running(run); o != nil {
		return d.howEnded(ctx, run, o.Cancel(message)) //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	}
	if _, err := d.unfinished(ctx, run); err != nil {
		return err
	}
	// Before anything of it goes on here: what was running is not begun again.
	if err := d.decide(ctx, run, &engine.Event{Type: engine.EventCanceled, Reason: engine.ReasonCanceled, Message: message}); err != nil {
		return err
	}
	_, err := d.recover(ctx, run)
	return err
}

// Hold pauses a run by hand: attempts that run may end, nothing new begins, also
// once another process goes on with it. ErrNotFound, ErrFinished.
func (d *Desk) Hold(ctx context.Context, run, message string) error {
	if o := d.Running(run); o != nil {
		return d.howEnded(ctx, run, o.Hold(message)) //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	}
	h, err := d.unfinished(ctx, run)
	if err != nil || Held(h) {
		return err
	}
	return d.decide(ctx, run, &engine.Event{Type: engine.EventHeld, Message: message})
}

// Resume goes on with a run that was paused by hand, or that nobody drives.
// ErrNotFound, ErrFinished, ErrModule; ErrDriven for one that goes on already.
func (d *Desk) Resume(ctx context.Context, run string) (*engine.Running, error) {
	h, err := d.unfinished(ctx, run)
	if err != nil {
		return nil, err
	}
	o := d.Running(run)
	if o != nil && !Held(h) {
		return nil, fmt.Errorf("run %q: %w%s", run, ErrDriven, orWaits(h))
	}
	if o == nil {
		o, err = d.recover(ctx, run)
	}
	if err == nil && Held(h) {
		err = o.Release() //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	}
	return o, err
}

func orWaits(h *engine.History) string {
	for _, l := range h.Live {
		if l.Pause != "" {
			return "; it waits for an answer to " + l.Pause
		}
	}
	return ""
}

// Answer answers a pause of a run, named as in [engine.Running.Resume], whose
// errors it returns, and goes on with the run if nobody drives it. ErrNotFound.
func (d *Desk) Answer(ctx context.Context, run, name string, answer json.RawMessage) (*engine.Running, error) {
	if o := d.Running(run); o != nil {
		return o, d.howEnded(ctx, run, o.Resume(name, answer)) //nolint:contextcheck // an answer belongs to the run, not to who gives it
	}
	h, err := d.unfinished(ctx, run)
	if err != nil {
		return nil, err
	}
	if len(waitingIn(h)) == 0 { // refused before anything of it goes on
		answered := func(e *engine.Event) bool { return e.Type == engine.EventAnswered && e.Pause == name && name != "" }
		if slices.ContainsFunc(h.Events, answered) {
			return nil, fmt.Errorf("run %q: resume: %q: %w", run, name, engine.ErrAnswered)
		}
		return nil, fmt.Errorf("run %q: resume: %w", run, engine.ErrNotPaused)
	}
	if err := overdue(h, name); err != nil {
		return nil, err
	}
	o, err := d.recover(ctx, run)
	if err != nil {
		return nil, err
	}
	return o, d.howEnded(ctx, run, o.Resume(name, answer)) //nolint:contextcheck // likewise
}

// overdue refuses an answer that comes after the pause has ended by itself, while
// nobody was there to see it. Which of the two is first must not be left to chance.
func overdue(h *engine.History, name string) error {
	for _, w := range waitingIn(h) {
		if name != "" && name != w.Name && name != w.Activation || w.Expires.IsZero() || time.Now().Before(w.Expires) {
			continue
		}
		return fmt.Errorf("run %q: resume: %q: %w: it ended by itself at %s; `graflow-wasm runs resume` without an answer goes on from there",
			h.Run, w.Name, engine.ErrAnswered, w.Expires.Format(time.RFC3339))
	}
	return nil
}

// Retry goes on with a run that has ended, as [engine.Engine.Retry] does.
func (d *Desk) Retry(ctx context.Context, run string, from engine.RetryFrom) (*engine.Running, error) {
	if d.Running(run) != nil {
		return nil, fmt.Errorf("run %q: %w: %w", run, ErrDriven, engine.ErrNotRetryable)
	}
	return d.kept(d.Engine.Retry(ctx, run, from))
}

// Fork begins another run from a checkpoint of a run, as [engine.Engine.Fork]
// does.
func (d *Desk) Fork(ctx context.Context, run, checkpoint, id string) (*engine.Running, error) {
	return d.kept(d.Engine.Fork(ctx, run, checkpoint, id))
}

// Restore begins a run from a checkpoint document, as [engine.Engine.Restore]
// does.
func (d *Desk) Restore(ctx context.Context, doc []byte, id string) (*engine.Running, error) {
	return d.kept(d.Engine.Restore(ctx, doc, id))
}

// Delete removes a run and all that is kept of it. One that has not ended, or
// that can't be read, is only removed by force, after it was canceled where this
// process drives it. ErrNotFound, ErrUnfinished.
func (d *Desk) Delete(ctx context.Context, run string, force bool) error {
	if !force {
		if err := d.ended(ctx, run); err != nil {
			return err
		}
	}
	runs, err := d.Runs(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(runs, run) {
		return Missing(run, engine.ErrNotFound)
	}
	if o := d.Running(run); o != nil {
		if err := end(ctx, o); err != nil {
			return err
		}
	}
	return d.Remove(ctx, run)
}

// end cancels a run that is to be removed, and waits for its end.
func end(ctx context.Context, o *engine.Running) error {
	if err := o.Cancel("removed"); err != nil && !errors.Is(err, engine.ErrFinished) { //nolint:contextcheck // a decision belongs to the run, not to who asks for it
		return err
	}
	select {
	case <-o.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("run %q: wait for its end: %w", o.ID(), ctx.Err())
	}
}

func (d *Desk) ended(ctx context.Context, run string) error {
	_, err := d.unfinished(ctx, run)
	switch {
	case errors.Is(err, engine.ErrFinished):
		return nil
	case err == nil:
		return stillGoesOn(run)
	}
	return err
}

func stillGoesOn(run string) error {
	return fmt.Errorf("run %q: %w; cancel it first, or remove it with --force", run, ErrUnfinished)
}
