package engine

import (
	"fmt"
	"slices"
)

// fold applies the new events in order and carries out what follows. The caller
// holds mu.
func (o *Running) fold(receiving bool) error {
	journal, ctx := o.engine.backend.Journal, o.engine.ctx
	for {
		events, err := journal.Read(ctx, o.id, o.run.Seq())
		if err != nil {
			return fmt.Errorf("run %q: read its log: %w", o.id, err)
		}
		if len(events) == 0 {
			commands := o.run.Decide()
			if o.far {
				o.look()
				return nil
			}
			if o.wentOn(commands) {
				return o.takeUp()
			}
			err := o.carryOut(commands, receiving)
			o.run.reuse(commands)
			return err
		}
		for _, e := range events {
			if o.ended {
				return nil
			}
			if err := o.apply(e); err != nil {
				return err
			}
		}
		if !o.engine.cfg.Retain {
			if err := journal.Trim(ctx, o.id, o.run.Seq()); err != nil {
				return fmt.Errorf("run %q: trim its log: %w", o.id, err)
			}
		}
	}
}

// wentOn tells that the run had ended, and was retried elsewhere, before this process
// knew either.
func (o *Running) wentOn(commands []Command) bool {
	return o.run.status == StatusRunning && slices.ContainsFunc(commands, func(c Command) bool { return c.Kind == CommandFinish })
}

// takeUp drives the run as if it had just been taken over. The caller holds mu.
func (o *Running) takeUp() error {
	o.stopTimers()
	clear(o.asked)
	err := o.carryOut(o.run.Outstanding(), false)
	if err == nil {
		o.startTimeout()
	}
	return err
}

// apply folds one event, after those that it is based on.
func (o *Running) apply(e *Event) error {
	if e.decides() {
		o.decisions = max(o.decisions, e.Seq) // another owner's, perhaps
	}
	if before := e.events(); before != "" {
		observed := o.run.observed
		o.run.observed = false // what it is based on was told before
		err := o.engine.eachBefore(o.engine.ctx, o.id, before, func(b *Event) error { o.run.Apply(b); return nil })
		o.run.observed = observed
		if err != nil {
			return err
		}
		o.run.Apply(e)
		o.run.commands = o.run.Outstanding()
	} else {
		o.run.Apply(e)
	}
	for _, n := range o.run.notices {
		o.engine.observe(n)
	}
	o.run.notices = o.run.notices[:0]
	return nil
}

func (o *Running) carryOut(commands []Command, receiving bool) error {
	var ready []*Delivery
	var inputs []string
	for i := range commands {
		switch c := &commands[i]; c.Kind {
		case CommandEnqueue:
			ready = append(ready, c.Delivery)
		case CommandTimer:
			o.wait(c)
		case CommandDeadline, CommandQueueTimeout, CommandTimeout:
			o.bound(*c, o.delay(c))
		case CommandPause:
			o.pauseTimer(*c)
		case CommandGroupTimeout:
			o.groupTimer(*c)
		case CommandCheck:
			inputs = append(inputs, c.Activation)
		case CommandForget:
			o.forget(c.Activation)
		case CommandStop:
			if o.engine.cluster != nil {
				o.stopFar(c)
				continue
			}
			o.stop(c)
		case CommandFinish:
			if !o.ended { // twice, if it was retried in between elsewhere
				o.finish()
			}
		}
	}
	ready = o.hold(ready)
	if err := o.checkInputs(inputs); err != nil {
		return err
	}
	if len(ready) > 0 && !o.ended {
		if o.tickets != nil {
			ready = o.issue(ready)
		}
		if err := o.enqueue(receiving, ready); err != nil {
			return err
		}
	}
	o.tellIdle()
	o.mark()
	return nil
}

// hold tells the workers whether the run is held, and adds what they have left
// of it once it is not.
func (o *Running) hold(ready []*Delivery) []*Delivery {
	if o.run.held == o.held {
		return ready
	}
	o.held = o.run.held
	if o.engine.cluster != nil {
		o.tellHeld()
		return ready
	}
	return append(o.crew.hold(o.held), ready...)
}

// tellIdle wakes who waits for the run to be paused. The caller holds mu.
func (o *Running) tellIdle() {
	idle := o.isIdle()
	select {
	case <-o.idle:
		if !idle {
			o.idle = make(chan struct{})
		}
	default:
		if idle {
			close(o.idle)
		}
	}
}
