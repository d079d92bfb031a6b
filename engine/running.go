package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Running is a run that this engine owns: it folds the run's log and enqueues
// what follows.
type Running struct {
	engine *Engine
	id     string
	graph  *Graph
	done   chan struct{}

	mu        sync.Mutex // guards what follows
	run       *Run
	decisions uint64 // sequence of the last event of the chain ""
	outcome   Outcome
	ended     bool
	timers    map[string]func() // by activation and reason; "" is the run's timeout

	attemptsMu sync.Mutex // guards what follows; taken after mu, or alone
	attempts   map[string]*attempt
	stops      map[string]int // activations to stop, not seen by a worker yet
}

// ErrFinished refuses to change a run that has ended.
var ErrFinished = errors.New("the run has ended")

func newRunning(e *Engine, g *Graph, id string) *Running {
	o := &Running{
		engine: e, id: id, graph: g, done: make(chan struct{}),
		run: NewRun(id, g, e.cfg.Policies), timers: map[string]func(){},
		attempts: map[string]*attempt{}, stops: map[string]int{},
	}
	o.run.observed = e.cfg.Observe != nil
	return o
}

// ID is the run's.
func (o *Running) ID() string { return o.id }

// Done is closed when the run has ended.
func (o *Running) Done() <-chan struct{} { return o.done }

// Wait blocks until the run has ended, or ctx is done.
func (o *Running) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-o.done:
		return o.outcome, nil
	case <-ctx.Done():
		return Outcome{}, fmt.Errorf("wait for run %q: %w", o.id, ctx.Err())
	}
}

// Cancel ends the run as canceled: running attempts are stopped, nothing else
// starts. A second call changes nothing; ErrFinished when it has ended.
func (o *Running) Cancel(message string) error {
	return o.decide(&Event{Type: EventCanceled, Reason: ReasonCanceled, Message: message})
}

func (o *Running) begin(ctx context.Context, input json.RawMessage) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := time.Duration(o.graph.spec.Limits.Timeout); d > 0 {
		o.timers[""] = o.engine.backend.Timers.After(d, func() {
			message := fmt.Sprintf("the run exceeded its timeout %s", d)
			_ = o.decide(&Event{Type: EventCanceled, Reason: ReasonDeadline, Message: message})
		})
	}
	return o.append(ctx, &Event{Type: EventStarted, Input: input})
}

// decide appends a decision and folds it.
func (o *Running) decide(e *Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return fmt.Errorf("run %q: %w", o.id, ErrFinished)
	}
	if o.engine.ctx.Err() != nil {
		return fmt.Errorf("run %q: its engine: %w", o.id, ErrClosed)
	}
	if e.Type == EventTimer {
		delete(o.timers, e.Activation)
	}
	return o.append(o.engine.ctx, e)
}

// append adds a decision to the log. The caller holds mu.
func (o *Running) append(ctx context.Context, e *Event) error {
	e.Time = time.Now()
	seq, err := o.engine.backend.Journal.Append(ctx, o.id, "", o.decisions, e)
	if err != nil {
		return fmt.Errorf("run %q: append %s: %w", o.id, e.Type, err)
	}
	o.decisions = seq
	return o.fold(false)
}

// advance folds what has been committed. A worker that will receive again at
// once says so.
func (o *Running) advance(receiving bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fold(receiving)
}

// fold applies the new events in order and carries out what follows. The caller
// holds mu.
func (o *Running) fold(receiving bool) error {
	events, err := o.engine.backend.Journal.Read(o.engine.ctx, o.id, o.run.Seq())
	if err != nil {
		return fmt.Errorf("run %q: read its log: %w", o.id, err)
	}
	for _, e := range events {
		if o.ended {
			return nil
		}
		o.run.Apply(e)
		for _, n := range o.run.notices {
			o.engine.observe(n)
		}
		o.run.notices = o.run.notices[:0]
	}
	if !o.engine.cfg.Retain && len(events) > 0 {
		if err := o.engine.backend.Journal.Trim(o.engine.ctx, o.id, o.run.Seq()); err != nil {
			return fmt.Errorf("run %q: trim its log: %w", o.id, err)
		}
	}
	return o.carryOut(o.run.Decide(), receiving)
}

func (o *Running) carryOut(commands []Command, receiving bool) error {
	var ready []*Delivery
	for i := range commands {
		switch c := &commands[i]; c.Kind {
		case CommandEnqueue:
			ready = append(ready, c.Delivery)
		case CommandTimer:
			o.wait(c)
		case CommandDeadline, CommandQueueTimeout:
			o.bound(*c, c.After)
		case CommandForget:
			o.forget(c.Activation)
		case CommandStop:
			o.stop(c)
		case CommandFinish:
			o.finish()
		}
	}
	if len(ready) == 0 {
		return nil
	}
	if err := o.engine.backend.Queue.Enqueue(o.engine.ctx, receiving, ready...); err != nil {
		return fmt.Errorf("run %q: enqueue: %w", o.id, err)
	}
	return nil
}

// wait starts the timer before an activation's next attempt.
func (o *Running) wait(c *Command) {
	activation, attempt := c.Activation, c.Attempt
	o.timers[activation] = o.engine.backend.Timers.After(c.After, func() {
		err := o.decide(&Event{Type: EventTimer, Activation: activation, Attempt: attempt})
		if err != nil && !errors.Is(err, ErrFinished) && o.engine.ctx.Err() == nil {
			o.engine.cfg.Logger.Error("retry timer", "run", o.id, "activation", activation, "err", err)
		}
	})
}

// boundKinds are the kinds of errors of what timers bound.
var boundKinds = map[CommandKind]string{CommandDeadline: KindDeadline, CommandQueueTimeout: KindQueueTimeout}

// bound starts the timer that bounds an activation, in place of an earlier one.
func (o *Running) bound(c Command, after time.Duration) {
	key := c.Activation + "!" + boundKinds[c.Kind]
	if stop := o.timers[key]; stop != nil {
		stop()
	}
	o.timers[key] = o.engine.backend.Timers.After(after, func() { o.expire(c) })
}

// forget stops the timers of an activation that has ended.
func (o *Running) forget(activation string) {
	for _, key := range []string{activation, activation + "!" + KindDeadline, activation + "!" + KindQueueTimeout} {
		if stop := o.timers[key]; stop != nil {
			stop()
			delete(o.timers, key)
		}
	}
}

func (o *Running) finish() {
	o.outcome, o.ended = o.run.Outcome(), true
	for _, stop := range o.timers {
		stop()
	}
	o.timers = nil
	o.engine.drop(o.id)
	if !o.engine.cfg.Retain {
		if err := o.engine.backend.Journal.Forget(o.engine.ctx, o.id); err != nil {
			o.engine.cfg.Logger.Error("forget journal", "run", o.id, "err", err)
		}
	}
	close(o.done)
}

// close stops what belongs to the run when its engine ends.
func (o *Running) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, stop := range o.timers {
		stop()
	}
	o.timers = nil
}

// stop tells the attempt of an activation to end, now or after a while.
func (o *Running) stop(c *Command) {
	if c.After > 0 {
		activation, attempt := c.Activation, c.Attempt
		o.timers[activation] = o.engine.backend.Timers.After(c.After, func() { o.stopNow(activation, attempt) })
		if !c.Begin {
			o.stopUnlessRunning(c.Activation, c.Attempt)
		}
		return
	}
	o.stopNow(c.Activation, c.Attempt)
}

func (o *Running) stopNow(activation string, n int) {
	o.attemptsMu.Lock()
	a := o.attempts[activation]
	if a == nil || a.delivery.Attempt != n {
		o.stops[activation] = n
		o.attemptsMu.Unlock()
		return
	}
	o.attemptsMu.Unlock()
	a.stop(errStopped)
}

// stopUnlessRunning keeps an attempt from beginning.
func (o *Running) stopUnlessRunning(activation string, n int) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	if o.attempts[activation] == nil {
		o.stops[activation] = n
	}
}

// enter makes an attempt known; false when it is to stop before it begins.
func (o *Running) enter(a *attempt) bool {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	if n, ok := o.stops[a.delivery.Activation]; ok && n == a.delivery.Attempt {
		delete(o.stops, a.delivery.Activation)
		return false
	}
	o.attempts[a.delivery.Activation] = a
	return true
}

func (o *Running) leave(a *attempt) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	if o.attempts[a.delivery.Activation] == a {
		delete(o.attempts, a.delivery.Activation)
	}
}

// stopAll stops every attempt that runs in this process.
func (o *Running) stopAll(cause error) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	for _, a := range o.attempts {
		a.stop(cause)
	}
}

func (o *Running) leases() []Lease {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	all := make([]Lease, 0, len(o.attempts))
	for _, a := range o.attempts {
		all = append(all, a.lease)
	}
	return all
}
