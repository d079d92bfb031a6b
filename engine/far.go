package engine

import (
	"context"
	"fmt"
	"time"
)

// settleAfter is the time that workers have to end an attempt they were told to,
// and to say so; then its owner says it in their place.
const settleAfter = 500 * time.Millisecond

// patience is the time after which an attempt that was told to end has done so.
func (e *Engine) patience() time.Duration {
	if e.cluster != nil {
		return settleAfter
	}
	return 2 * abandonAfter
}

// withdrawer is a Queue that can drop what nobody is to take any more: of an
// activation what was enqueued under one Rev, or any if rev is 0; with activation
// "" all of the run.
type withdrawer interface {
	Purge(ctx context.Context, run, activation string, rev uint64) error
}

// issue makes deliveries tickets. The caller holds mu.
func (o *Running) issue(ready []*Delivery) []*Delivery {
	o.tickets.put(ready)
	issued := ready[:0:len(ready)]
	for _, d := range ready {
		if d.Sent != d.Rev { // claimed: the ticket is still the same
			c := *d
			c.Rev = d.Sent
			d = &c
		}
		issued = append(issued, d)
	}
	return issued
}

// stopFar tells the workers to end an attempt, now or after a while. The caller
// holds mu.
func (o *Running) stopFar(c *Command) {
	activation, rev, begun := c.Activation, c.Rev, c.Begun // the command's memory is used again
	if c.After > 0 {
		if !c.Begin {
			o.withdraw(activation)
		}
		o.setTimer(activation, c.After, func() { o.stopNow(activation, rev, begun) })
		return
	}
	o.withdraw(activation)
	wait := settleAfter
	if act := o.run.live[activation]; act != nil && act.unclaimed() {
		wait = 0 // on a timer all the same: one event is folded after the other
	} else {
		o.signal(Signal{Kind: SignalStop, Run: o.id, Activation: activation, Rev: rev})
	}
	o.setTimer(activation, wait, func() { o.settleStop(activation, rev, begun) })
}

func (o *Running) stopNow(activation string, rev uint64, begun bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if act := o.run.live[activation]; o.closed() == nil && act != nil && act.stopping && act.rev == rev {
		o.stopFar(&Command{Activation: activation, Rev: rev, Begun: begun})
	}
}

// settleStop ends an attempt in place of its worker, which has not said that it
// did, or never had it.
func (o *Running) settleStop(activation string, rev uint64, begun bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	act := o.run.live[activation]
	if o.closed() != nil || act == nil || !act.stopping || act.rev != rev || act.pause != nil || act.retrying || act.flows() {
		return
	}
	e := &Event{Type: EventStopped, Started: act.claimed}
	if begun && e.Started.IsZero() && act.delivery != nil && !act.delivery.claims() {
		e.Started = o.engine.now() // it may have begun
	}
	if err := o.commitFor(act, e); err != nil && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Warn("stop an attempt", "run", o.id, "activation", activation, "err", err)
	}
}

// askToEnd tells the workers that an activation has run out of time, once. It
// reports false if nobody has it, or nobody said anything. The caller holds mu.
func (o *Running) askToEnd(act *activation) bool {
	if act.retrying || act.pause != nil || act.list != nil || act.unclaimed() || o.asked[act.id] == act.rev+1 {
		return false
	}
	o.asked[act.id] = act.rev + 1
	o.withdraw(act.id)
	o.signal(Signal{Kind: SignalDeadline, Run: o.id, Activation: act.id, Rev: act.rev})
	return true
}

// withdraw keeps workers from beginning an attempt, if that is in time.
func (o *Running) withdraw(activation string) {
	o.tickets.void(activation)
	act := o.run.live[activation]
	q, ok := o.engine.backend.Queue.(withdrawer)
	if !ok || act == nil || act.delivery == nil {
		return
	}
	if err := q.Purge(o.engine.ctx, o.id, activation, act.delivery.Sent); err != nil && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Warn("withdraw a ticket", "run", o.id, "activation", activation, "err", err)
	}
}

// signal tells the workers something. A lost signal costs time.
func (o *Running) signal(s Signal) {
	if err := o.engine.cluster.Signal(o.engine.ctx, s); err != nil && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Warn("signal", "run", o.id, "kind", s.Kind, "err", err)
	}
}

// tellHeld tells the workers whether the run is held. The caller holds mu.
func (o *Running) tellHeld() {
	o.tickets.hold(o.held)
	s := Signal{Kind: SignalRelease, Run: o.id}
	if o.held {
		s.Kind, s.Rev = SignalHold, o.run.seq
	}
	o.signal(s)
}

// hear takes a signal.
func (e *Engine) hear(s Signal) {
	switch s.Kind {
	case SignalHold:
		e.held.set(s.Run, s.Rev)
	case SignalRelease:
		e.held.set(s.Run, 0)
	case SignalEnded:
		e.held.set(s.Run, 0)
		e.replicas.drop(s.Run)
	case SignalStop, SignalDeadline:
		cause := errStopped
		if s.Kind == SignalDeadline {
			cause = errDeadline
		}
		e.mu.Lock()
		c := e.crews[s.Run]
		e.mu.Unlock()
		if c == nil {
			return
		}
		if a := c.at(s.Activation, s.Rev); a != nil {
			a.stop(cause)
		}
	}
}

// unheard takes that signals may have been missed.
func (e *Engine) unheard() {
	e.held.clear()
	e.replicas.clear()
}

// markAfter is how long a run goes on before lists are told that it does: most have
// ended by then.
const markAfter = 200 * time.Millisecond

// mark tells lists how the run stands, if that has changed. The caller holds mu.
func (o *Running) mark() {
	if o.engine.cluster == nil || o.far || o.run.seq == 0 || errorsElsewhere(o.err) {
		return
	}
	goesOn := o.run.status == StatusRunning && !o.run.held && !o.run.paused()
	switch {
	case goesOn && o.marked.Status == StatusRunning:
		return // the usual case
	case goesOn && o.marked.Status == "":
		if o.marking == nil {
			o.marking = time.AfterFunc(markAfter, o.markLate)
		}
		return
	}
	o.markNow()
}

// markLate tells lists that the run goes on, if nothing else was told meanwhile.
func (o *Running) markLate() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed() == nil && o.marked.Status == "" {
		o.markNow()
	}
}

func (o *Running) markNow() {
	m := o.standing()
	if m.Status == o.marked.Status && m.Reason == o.marked.Reason && m.Waits == o.marked.Waits {
		return
	}
	if err := o.engine.cluster.Mark(o.engine.ctx, m); err != nil {
		o.engine.say("mark how a run stands", fmt.Errorf("run %q: %w", o.id, err))
		if !m.Ended.IsZero() { // else whoever has the partition next would recover it
			o.engine.workers.Go(func() {
				pause(o.engine.ctx)
				owner{o.engine}.Moved(o.id)
			})
		}
		return
	}
	o.marked = m
	if !m.Ended.IsZero() {
		o.signal(Signal{Kind: SignalEnded, Run: o.id})
	}
}

func (o *Running) standing() Mark {
	out := o.run.Outcome()
	m := Mark{Run: o.id, Flow: out.Flow, Status: out.Status, Reason: out.Reason, Started: o.run.since, Tasks: out.Steps, Seq: o.run.seq}
	for i, p := range out.Pauses {
		if i > 0 {
			m.Waits += ", "
		}
		m.Waits += p.Name
	}
	if out.Error != nil {
		m.Error = out.Error.Message
	}
	if o.run.status != StatusRunning && o.run.status != StatusPending {
		m.Ended = o.run.now.Time
	}
	return m
}

// through does something to the run where this process drives it, and knows of it
// then.
func (o *Running) through(f func(near *Running) error) error {
	if err := o.advance(false); err != nil { // it may have ended
		return err
	}
	near, err := o.near()
	if err == nil {
		err = f(near)
	}
	if lost := o.advance(false); err == nil {
		err = lost
	}
	return err
}

// near is the run as this process drives it, at least as far as it is known here.
func (o *Running) near() (*Running, error) {
	o.mu.Lock()
	seq, err := o.run.seq, o.closed()
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	const wait = 10 * time.Second // it may be on its way
	ctx, cancel := context.WithTimeout(o.ctx, wait)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if near := o.engine.running(o.id); near != nil && near.reached(seq) {
			return near, nil
		}
		select {
		case <-tick.C:
		case <-o.done:
			return nil, fmt.Errorf("run %q: %w", o.id, ErrFinished)
		case <-ctx.Done():
			return nil, fmt.Errorf("run %q: %w", o.id, ErrElsewhere)
		}
	}
}

// reached tells that the run's log was folded up to a sequence.
func (o *Running) reached(seq uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.run.seq >= seq
}
