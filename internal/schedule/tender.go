package schedule

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

const (
	// helpAfter is how long another's claim is left alone.
	helpAfter = 10 * time.Second
	// giveUpAfter is for how long it is tried to begin what was decided.
	giveUpAfter = time.Hour
	// sleepAtMost bounds waits: clocks jump, and processes are suspended.
	sleepAtMost = 10 * time.Second
	// lookAgain is how often runs are looked at for whose end a time waits.
	lookAgain = time.Second
	// stopWithin is what a keeper that is stopped has to note what it began.
	stopWithin = 3 * time.Second
	// Pauses after faults double from the first to the longest.
	firstPause, longestPause = time.Second, 30 * time.Second
)

// tender sees to one schedule, in a goroutine of its own.
type tender struct {
	keeper *Keeper
	stop   context.CancelFunc
	told   chan page // the latest, for its goroutine

	page // as it is known
	gone bool
	seen map[string]time.Time // claims of others, by their first run; since when
}

// tell has the goroutine know the document, if it is newer than what it knows.
func (t *tender) tell(p page) {
	select {
	case <-t.told: // the one before
	default:
	}
	t.told <- p
}

// orphans takes all claims for given up.
func (t *tender) orphans() {
	for _, c := range t.Claims {
		t.seen[c.Begin[0].Run] = time.Time{}
	}
}

// run does what is due until ctx is done.
func (t *tender) run(ctx context.Context) {
	for again := firstPause; ; {
		wait, err := t.turn(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.keeper.Logger.Warn("a schedule is late; it is tried again", "schedule", t.Schedule.Name, "err", err)
			wait, again = jitter(again), min(2*again, longestPause)
		default:
			again = firstPause
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case p := <-t.told:
			if p.revision > t.revision {
				t.page, t.gone = p, false
			}
		case <-timer.C:
		}
		timer.Stop()
	}
}

// turn does all that is due now, and returns how long nothing is.
func (t *tender) turn(ctx context.Context) (time.Duration, error) {
	for ctx.Err() == nil && !t.gone {
		if len(t.Claims) > 0 {
			c, wait := t.mine()
			if wait > 0 {
				return wait, nil
			}
			if err := t.settle(ctx, c); err != nil {
				return 0, err
			}
			continue
		}
		now := t.keeper.about()
		if t.due(now) {
			var err error
			if now, err = t.keeper.now(ctx); err != nil {
				return 0, err
			}
		}
		if !t.due(now) {
			return t.sleep(now), nil
		}
		begin := time.Now()
		changed, err := t.decide(ctx, now)
		if err != nil {
			return 0, err
		}
		if !changed {
			return max(lookAgain, 20*time.Since(begin)), nil // a time waits for a run's end
		}
	}
	return sleepAtMost, ctx.Err()
}

// sleep is how long nothing is due.
func (t *tender) sleep(now time.Time) time.Duration {
	if next := t.Schedule.Next; !next.IsZero() {
		return min(sleepAtMost, next.Sub(now))
	}
	return sleepAtMost
}

// mine is a claim to be seen to here: this keeper's, nobody's, or one that another has
// left undone for a while. Without one, it is how long until there is.
func (t *tender) mine() (claim, time.Duration) {
	wait := helpAfter
	for _, c := range t.Claims {
		key := c.Begin[0].Run
		if _, ok := t.seen[key]; !ok {
			t.seen[key] = time.Now()
		}
		left := helpAfter - time.Since(t.seen[key])
		if c.By == t.keeper.me || c.By == "" || left <= 0 {
			return c, 0
		}
		wait = min(wait, left)
	}
	return claim{}, wait
}

// decide takes what is due: from then on it is known what is to begin, whatever becomes
// of this process. It tells whether the document has changed.
func (t *tender) decide(ctx context.Context, now time.Time) (bool, error) {
	was, err := t.encode()
	if err != nil {
		return false, err
	}
	d, err := decode(t.Schedule.Name, was) // a copy
	if err != nil {
		return false, err
	}
	running := d.Running
	if d.Schedule.Overlap != ops.OverlapAllow {
		if running, err = t.keeper.stillGoing(ctx, running); err != nil {
			return false, err
		}
	}
	if all := d.advance(now, running); len(all) > 0 {
		d.Claims = append(d.Claims, claim{By: t.keeper.me, At: now.UTC(), Begin: all})
	}
	if is, err := d.encode(); err != nil || bytes.Equal(is, was) {
		return false, err
	}
	p, err := t.keeper.put(ctx, page{d, t.revision})
	if errors.Is(err, engine.ErrConflict) { // another was first
		p, err = t.keeper.load(ctx, t.Schedule.Name)
	}
	return true, t.take(p, err)
}

// take goes on with a document, or ends without one.
func (t *tender) take(p page, err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		t.gone = true
		return nil
	}
	if err == nil {
		t.page = p
	}
	return err
}

// settle begins what was claimed, and notes it. It is finished though ctx ends.
func (t *tender) settle(ctx context.Context, c claim) error {
	select {
	case t.keeper.slots <- struct{}{}:
		defer func() { <-t.keeper.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		pause(work, stopWithin)
		cancel()
	})()
	var begun []string
	var fault string
	for _, b := range c.Begin {
		switch err := t.keeper.begin(work, t.Schedule, b); {
		case err == nil:
			begun = append(begun, b.Run)
		case refused(err), t.keeper.about().Sub(c.At) > giveUpAfter:
			fault = fmt.Sprintf("begin run %s: %v", b.Run, err)
		default:
			return t.troubled(work, b.Run, err)
		}
	}
	p, err := t.keeper.change(work, t.Schedule.Name, func(d *document) error {
		i := d.claimed(c)
		if i < 0 {
			return errUnchanged // another has done it
		}
		d.Claims = slices.Delete(d.Claims, i, i+1)
		for _, run := range begun {
			d.begun(run)
		}
		if fault != "" {
			d.Schedule.Fault = fault
		}
		return nil
	})
	delete(t.seen, c.Begin[0].Run)
	return t.take(p, err)
}

// troubled notes why a run can't begin now.
func (t *tender) troubled(ctx context.Context, run string, fault error) error {
	p, err := t.keeper.change(ctx, t.Schedule.Name, func(d *document) error {
		text := fmt.Sprintf("begin run %s, which is tried again: %v", run, fault)
		if d.Schedule.Fault == text {
			return errUnchanged
		}
		d.Schedule.Fault = text
		return nil
	})
	if err := t.take(p, err); err != nil {
		return errors.Join(fault, err)
	}
	return fmt.Errorf("begin run %s: %w", run, fault)
}

// goesOn tells whether a run of that status has not ended.
func goesOn(s engine.Status) bool {
	switch s {
	case engine.StatusPending, engine.StatusRunning, engine.StatusRetrying, engine.StatusPaused, control.StatusInterrupted:
		return true
	}
	return false
}
