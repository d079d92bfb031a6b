package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// ShareConfig says what a Share works on. All fields are required.
type ShareConfig struct {
	// Engine drives a share of the runs of a cluster.
	Engine *engine.Engine
	// Revive makes a run fit to go on that has ended: its log may be archived.
	// engine.ErrNotFound.
	Revive func(ctx context.Context, run string) error
	// Forget drops all that is kept of a run.
	Forget func(ctx context.Context, run string) error
}

// Share steers the runs of a cluster that this process drives. Its errors are those
// of a [Desk]; one more is engine.ErrElsewhere: another process drives the run. It
// is safe for concurrent use.
type Share struct{ cfg ShareConfig }

// NewShare makes a Share.
func NewShare(c ShareConfig) *Share { return &Share{c} }

// Do does what a [Steerer] asks, and returns the answer. Its error is an [*Error],
// but engine.ErrElsewhere, also where the process is about to end: then another is
// to be asked.
func (s *Share) Do(ctx context.Context, run, method string, body []byte) ([]byte, error) {
	f, ok := steer(s)[method]
	if !ok {
		return nil, &Error{http.StatusNotImplemented, fmt.Sprintf("%s: the process that drives run %q does not know how: it is of another version", method, run)}
	}
	var asked request
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, &Error{http.StatusBadRequest, "decode the request: " + err.Error()}
	}
	asked.Run = run
	got, err := f(ctx, asked)
	switch {
	case errors.Is(err, engine.ErrElsewhere), errors.Is(err, engine.ErrClosed):
		return nil, engine.ErrElsewhere
	case err != nil:
		return nil, asError(err)
	}
	return json.Marshal(got)
}

// Bounds of how long a run is waited for.
const (
	drivenWithin = 5 * time.Second
	drivenLook   = 5 * time.Millisecond
)

// driven is a run that has not ended, by its journal, once this process drives it:
// what has just begun, or has just come to this process, is about to be.
func (s *Share) driven(ctx context.Context, run string) (*engine.Running, error) {
	if _, err := unfinished(ctx, s.cfg.Engine, run); err != nil {
		return nil, err
	}
	if o := s.cfg.Engine.Running(run); o != nil {
		return o, nil
	}
	ctx, cancel := context.WithTimeout(ctx, drivenWithin)
	defer cancel()
	tick := time.NewTicker(drivenLook)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("run %q: %w", run, engine.ErrElsewhere)
		}
		if o := s.cfg.Engine.Running(run); o != nil {
			return o, nil
		}
	}
}

// with does something to a run that has not ended.
func (s *Share) with(ctx context.Context, run string, f func(*engine.Running) error) (*engine.Running, error) {
	o, err := s.driven(ctx, run)
	if err != nil {
		return nil, err
	}
	return o, howEnded(ctx, s.cfg.Engine, run, f(o))
}

// Cancel is [Desk.Cancel].
func (s *Share) Cancel(ctx context.Context, run, message string) error {
	_, err := s.with(ctx, run, func(o *engine.Running) error { return o.Cancel(message) }) //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	return err
}

// Hold is [Desk.Hold].
func (s *Share) Hold(ctx context.Context, run, message string) error {
	_, err := s.with(ctx, run, func(o *engine.Running) error { return o.Hold(message) }) //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	return err
}

// Resume is [Desk.Resume].
func (s *Share) Resume(ctx context.Context, run string) (*engine.Running, error) {
	return s.with(ctx, run, func(o *engine.Running) error {
		if err := o.CatchUp(ctx); err != nil { // another may have held it just now
			return err
		}
		h, err := history(ctx, s.cfg.Engine, run)
		switch {
		case err != nil:
			return err
		case !Held(h):
			return fmt.Errorf("run %q: %w%s", run, ErrDriven, orWaits(h))
		}
		return o.Release() //nolint:contextcheck // a decision belongs to the run, not to who asks for it
	})
}

// Answer is [Desk.Answer]. Who asks may have seen the pause before who drives the run.
func (s *Share) Answer(ctx context.Context, run, name string, answer json.RawMessage) (*engine.Running, error) {
	for end := time.Now().Add(drivenWithin); ; {
		o, err := s.with(ctx, run, func(o *engine.Running) error { //nolint:contextcheck // an answer belongs to the run, not to who gives it
			return o.Resume(name, answer)
		})
		if !errors.Is(err, engine.ErrNotPaused) && !errors.Is(err, engine.ErrNoPause) || !s.waits(ctx, run, name) || time.Now().After(end) {
			return o, err
		}
		pause(ctx, drivenLook)
	}
}

// waits tells whether the journal of a run has the pause, "" any, that waits.
func (s *Share) waits(ctx context.Context, run, name string) bool {
	h, err := history(ctx, s.cfg.Engine, run)
	return err == nil && slices.ContainsFunc(h.Live, func(l engine.LiveActivation) bool {
		return l.Pause != "" && (name == "" || name == l.Pause || name == l.Activation)
	})
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// Retry is [Desk.Retry].
func (s *Share) Retry(ctx context.Context, run string, from engine.RetryFrom) (*engine.Running, error) {
	if err := s.letGo(ctx, run); err != nil {
		return nil, err
	}
	if err := s.cfg.Revive(ctx, run); err != nil {
		return nil, Missing(run, err)
	}
	for again := false; ; again = true {
		o, err := s.cfg.Engine.Retry(ctx, run, from)
		// What was brought back is recovered once more, beside this.
		collided := errors.Is(err, engine.ErrRunExists) || errors.Is(err, engine.ErrNotRetryable)
		if err == nil || !collided || again {
			return o, err
		}
		if err := s.letGo(ctx, run); err != nil {
			return nil, err
		}
	}
}

// letGo refuses a run that has not ended, and waits until one that has is not driven
// any more: who asks may have seen the end first.
func (s *Share) letGo(ctx context.Context, run string) error {
	_, err := unfinished(ctx, s.cfg.Engine, run)
	if err == nil {
		return fmt.Errorf("run %q: %w: %w", run, ErrDriven, engine.ErrNotRetryable)
	} else if !errors.Is(err, engine.ErrFinished) {
		return err
	}
	o := s.cfg.Engine.Running(run)
	if o == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, drivenWithin)
	defer cancel()
	select {
	case <-o.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("run %q: %w", run, engine.ErrElsewhere)
	}
}

// Delete is [Desk.Delete].
func (s *Share) Delete(ctx context.Context, run string, force bool) error {
	_, err := unfinished(ctx, s.cfg.Engine, run)
	o := s.cfg.Engine.Running(run)
	switch {
	case errors.Is(err, engine.ErrFinished):
	case errors.Is(err, engine.ErrNotFound), err != nil && !force:
		return err
	case !force:
		return stillGoesOn(run)
	case err == nil:
		if o, err = s.driven(ctx, run); err != nil {
			return err
		}
	}
	if o != nil {
		if err := end(ctx, o); err != nil {
			return err
		}
	}
	return s.cfg.Forget(ctx, run)
}
