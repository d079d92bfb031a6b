package engine

import (
	"context"
	"errors"
	"fmt"
)

// Submit begins a run on a shared backend, for whichever process has it in its
// share, and returns its id once it is stored. The graph is checked first. ErrAlone
// of a backend that this process does not share: nobody would drive the run.
func (e *Engine) Submit(ctx context.Context, g *Graph, s Start) (run string, err error) {
	if e.cluster == nil {
		return "", fmt.Errorf("submit %q: %w", g.Name(), ErrAlone)
	}
	start, err := e.prepare(ctx, g, &s)
	if err == nil {
		err = e.submit(ctx, g, s.ID, start)
	}
	if err != nil {
		return "", fmt.Errorf("submit %q: %w", g.Name(), err)
	}
	return s.ID, nil
}

// ErrAlone refuses what needs other processes.
var ErrAlone = errors.New("the backend is this process's alone")

// submit stores the event that begins a run.
func (e *Engine) submit(ctx context.Context, g *Graph, run string, start *Event) (err error) {
	ended := e.submitting(ctx, run, g.Name(), start)
	defer func() { ended(err) }()
	start.Time = e.now()
	_, err = e.backend.Journal.Append(ctx, run, "", 0, start)
	switch {
	case errors.Is(err, ErrConflict):
		return fmt.Errorf("run %q: %w", run, ErrRunExists)
	case err != nil:
		return fmt.Errorf("run %q: append its start: %w", run, err)
	}
	e.counters.begun.Add(1)
	return nil
}

// Follow tells of a run on a shared backend that any process may drive: Observe
// gets its notices from the beginning on, Wait its end. What changes a run works
// on it if this process drives it, and is ErrElsewhere otherwise. ErrNotFound if
// there is no such run.
func (e *Engine) Follow(ctx context.Context, run string) (*Running, error) {
	g, err := e.graphOf(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("follow run %q: %w", run, err)
	}
	return e.follow(g, run)
}

func (e *Engine) follow(g *Graph, run string) (*Running, error) {
	o := newRunning(e, g, run)
	o.far = true
	o.observe()
	o.wake()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return nil, ErrClosed
	}
	e.workers.Go(func() {
		if err := e.cluster.Watch(o.ctx, run, o.wake); o.ctx.Err() == nil {
			e.say("watch a run", err)
		}
	})
	e.workers.Go(o.lookOn)
	return o, nil
}

// lookOn folds the run's log as it grows, and changes nothing.
func (o *Running) lookOn() {
	defer o.cancel(nil)
	for {
		select {
		case <-o.kick:
		case <-o.done:
			return
		case <-o.engine.ctx.Done():
			o.close()
			return
		}
		if err := o.advance(false); err != nil && o.engine.ctx.Err() == nil {
			return // told to who waits
		}
	}
}

// look tells who waits how the run stands. The caller holds mu.
func (o *Running) look() {
	if o.ended {
		return
	}
	if s := o.run.status; s != StatusRunning && s != StatusPending {
		o.finish()
		return
	}
	o.tellIdle()
}

func errorsElsewhere(err error) bool {
	return errors.Is(err, ErrElsewhere) || errors.Is(err, ErrClosed)
}
