package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Pinner is a Handler whose tasks run code that may change under its name. What
// Pin returns is kept with the run: a process that goes on with it refuses other
// code of the same name. Both are "" for a task without such code.
type Pinner interface {
	Pin(ctx context.Context, task *Task) (name, digest string, err error)
}

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
	o, err := e.takeOver(ctx, run, func(o *Running) error { return o.carryOut(o.run.Outstanding(), false) })
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
	o, err := e.takeOver(ctx, run, func(o *Running) error {
		if err := o.run.retryable(from); err != nil {
			return err
		}
		return o.append(ctx, &Event{Type: EventRetried, Task: from.Task, Input: from.Input})
	})
	if err != nil {
		return nil, fmt.Errorf("retry: %w", err)
	}
	return o, nil
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
	if err := e.Check(ctx, g); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModule, err)
	}
	o := newRunning(e, g, run)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := e.adopt(o); err != nil {
		return nil, err
	}
	e.start.Do(e.startWorkers)
	if err := o.catchUp(ctx); err != nil {
		return nil, o.abandon(err)
	}
	if err := begin(o); err != nil {
		return nil, o.abandon(err)
	}
	o.startTimeout()
	return o, nil
}

// catchUp folds the journal without carrying out what followed then.
func (o *Running) catchUp(ctx context.Context) error {
	o.run.observed = false
	err := o.engine.each(ctx, o.id, o.run, nil)
	if err == nil {
		err = o.engine.checkPins(ctx, o.run)
	}
	if err == nil {
		o.decisions, err = o.engine.backend.Journal.Last(ctx, o.id, "")
	}
	o.run.commands = nil
	o.run.observed = o.engine.cfg.Observe != nil
	return err
}

// each folds a run's events, those that it is based on included. after, if not
// nil, is called after each.
func (e *Engine) each(ctx context.Context, id string, run *Run, after func(*Event)) error {
	fold := func(ev *Event) error {
		run.Apply(ev)
		run.commands = run.commands[:0]
		if after != nil {
			after(ev)
		}
		return nil
	}
	for {
		events, err := e.backend.Journal.Read(ctx, id, run.Seq())
		if err != nil {
			return fmt.Errorf("read its log: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		for _, ev := range events {
			if before := ev.events(); before != "" {
				if err := e.eachBefore(ctx, id, before, fold); err != nil {
					return err
				}
			}
			if err := fold(ev); err != nil {
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
	for d := json.NewDecoder(r); ; {
		ev := &Event{}
		switch err := d.Decode(ev); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the events that it is based on: %w", err)
		}
		if err := f(ev); err != nil {
			return err
		}
	}
}

// graphOf builds the graph of a run from what was stored when it began.
func (e *Engine) graphOf(ctx context.Context, run string) (*Graph, error) {
	first, err := e.backend.Journal.Read(ctx, run, 0)
	if err != nil {
		return nil, fmt.Errorf("read its log: %w", err)
	}
	if len(first) == 0 {
		return nil, fmt.Errorf("run %q: %w", run, ErrNotFound)
	}
	if first[0].Type != EventStarted || first[0].Basis == nil {
		return nil, fmt.Errorf("run %q: its journal does not begin with the run's start and its graph: it was not kept to be read again", run)
	}
	r, err := e.backend.Blobs.Open(ctx, run, first[0].Basis.Graph)
	if err != nil {
		return nil, fmt.Errorf("read its graph: %w", err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read its graph: %w", err)
	}
	return parseGraph(raw)
}

func parseGraph(raw []byte) (*Graph, error) {
	var spec Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	g, err := spec.Build()
	if err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	return g, nil
}

// keepGraph stores a graph and pins the code of its tasks, and returns the event
// that starts a run of it.
func (e *Engine) keepGraph(ctx context.Context, g *Graph, run string) (*Event, error) {
	start := &Event{Type: EventStarted}
	if !e.cfg.Retain {
		return start, nil
	}
	raw, err := g.MarshalJSON()
	if err != nil {
		return nil, err
	}
	var errs []error
	g.eachTask("", func(_ string, t *Task) { errs = append(errs, e.pin(ctx, t, start)) })
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	digest, _, err := e.backend.Blobs.Put(ctx, run, bytes.NewReader(raw))
	start.Basis = &Basis{Graph: digest}
	return start, err
}

// pin adds the digest of a task's code to an event.
func (e *Engine) pin(ctx context.Context, t *Task, to *Event) error {
	p, ok := e.cfg.Handlers[handlerName(t)].(Pinner)
	if !ok || !e.cfg.Retain {
		return nil
	}
	name, digest, err := p.Pin(ctx, t)
	if err != nil {
		return fmt.Errorf("task %q: pin its code: %w", t.ID, err)
	}
	if name == "" {
		return nil
	}
	if to.Pins == nil {
		to.Pins = map[string]string{}
	}
	to.Pins[name] = digest
	return nil
}

// checkPins wants the code of all tasks of a run to be what it was.
func (e *Engine) checkPins(ctx context.Context, run *Run) error {
	var errs []error
	check := func(_ string, t *Task) {
		if len(errs) == 0 {
			errs = append(errs, e.checkPin(ctx, t, run.pins))
		}
	}
	run.graph.eachTask("", check)
	for _, part := range run.parts() { // those added
		for i := len(part.graph.vertices); i < len(part.vertices); i++ {
			check("", part.vertices[i].task)
			if sub := part.subs[int32(i)]; sub != nil {
				sub.eachTask("", check)
			}
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) checkPin(ctx context.Context, t *Task, pins map[string]string) error {
	p, ok := e.cfg.Handlers[handlerName(t)].(Pinner)
	if !ok {
		return nil
	}
	name, digest, err := p.Pin(ctx, t)
	if err != nil {
		return fmt.Errorf("task %q: %w: %w", t.ID, ErrModule, err)
	}
	if was := pins[name]; name != "" && was != "" && was != digest {
		return fmt.Errorf("task %q: %w: %s is now %s, the run began with %s; put that one back, or begin another run", t.ID, ErrModule, name, digest, was)
	}
	return nil
}
