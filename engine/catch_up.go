package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CatchUp folds the run's log at least through the last decision that is stored now.
// It is for who has just taken a run over on a shared backend, which may not show yet
// what its owner before has decided. It blocks until then, or until ctx is done.
func (o *Running) CatchUp(ctx context.Context) error {
	last, err := o.engine.backend.Journal.Last(ctx, o.id, "")
	if err != nil {
		return fmt.Errorf("run %q: its last decision: %w", o.id, err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := o.advance(false); err != nil { //nolint:contextcheck // what follows belongs to the engine
			return err
		}
		if ended, _ := o.hasEnded(); ended || o.reached(last) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("run %q: its last decision is not here yet: %w", o.id, ctx.Err())
		}
	}
}

// behindFor is how long what another owner has decided is waited for.
const behindFor = 5 * time.Second

// decideAgain appends a decision that conflicted with one which is not known here yet.
func (o *Running) decideAgain(e *Event) error {
	ctx, cancel := context.WithTimeout(o.engine.ctx, behindFor)
	defer cancel()
	if err := o.CatchUp(ctx); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.closed(); err != nil {
		return err
	}
	return o.giveUpOn(o.append(o.engine.ctx, e))
}

// mayDecideAgain tells that a decision failed only as another came before it, and is as
// good after it. Of a timer that is to be found out anew.
func (o *Running) mayDecideAgain(e *Event, err error) bool {
	return errors.Is(err, ErrConflict) && o.engine.cluster != nil && e.Type != EventTimer
}
