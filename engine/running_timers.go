package engine

import (
	"errors"
	"fmt"
	"time"
)

// delay is the time until a timer fires: of one that follows from what has just
// happened its whole duration, of one taken over what is left of it.
func (o *Running) delay(c *Command) time.Duration {
	if c.After > 0 || c.At.IsZero() {
		return c.After
	}
	return max(0, o.engine.until(c.At))
}

// startTimeout starts the timer that bounds the run. The caller holds mu.
func (o *Running) startTimeout() {
	d := time.Duration(o.graph.spec.Limits.Timeout)
	if d == 0 || o.ended {
		return
	}
	left := max(0, o.engine.until(o.run.since.Add(d)))
	o.setTimer("", left, func() { _ = o.decide(timedOut(d)) }) // said to who waits
}

// timedOut is the decision that a run has exceeded its timeout.
func timedOut(d time.Duration) *Event {
	return &Event{Type: EventCanceled, Reason: ReasonDeadline, Message: fmt.Sprintf("the run exceeded its timeout %s", d)}
}

// settleOverdue does, for a run that is taken over, what timers would have done
// while nobody drove it: nothing else comes before. The caller holds mu.
func (o *Running) settleOverdue() error {
	d := time.Duration(o.graph.spec.Limits.Timeout)
	if d > 0 && !o.ended && o.engine.until(o.run.since.Add(d)) <= 0 {
		return o.append(o.engine.ctx, timedOut(d))
	}
	for _, act := range o.run.inOrder() {
		switch {
		case o.err != nil:
			return o.err
		case o.ended || o.run.live[act.id] != act:
		case act.timing != nil && !act.timing.deadline.IsZero() && o.engine.until(act.timing.deadline) <= 0 && act.recovery == nil:
			o.expireNow(Command{Kind: CommandDeadline, Activation: act.id, At: act.timing.deadline})
		case act.pause != nil && act.pause.isOver(o.engine.now()):
			o.endPause(act)
		}
	}
	return o.err
}

// setTimer starts a timer in place of an earlier one. The caller holds mu.
func (o *Running) setTimer(key string, d time.Duration, f func()) {
	if stop := o.timers[key]; stop != nil {
		stop()
	}
	o.timers[key] = o.engine.backend.Timers.After(d, f)
}

// wait starts the timer before an activation's next attempt.
func (o *Running) wait(c *Command) {
	activation, attempt := c.Activation, c.Attempt
	o.setTimer(activation, o.delay(c), func() {
		err := o.decide(&Event{Type: EventTimer, Activation: activation, Attempt: attempt})
		told := errors.Is(err, ErrFinished) || errors.Is(err, ErrConflict) || errorsElsewhere(err) // another was first, or is to
		if err != nil && !told && o.engine.ctx.Err() == nil {
			o.engine.cfg.Logger.Error("retry timer", "run", o.id, "activation", activation, "err", err)
		}
	})
}

// boundKinds are the kinds of errors of what timers bound.
var boundKinds = map[CommandKind]string{CommandDeadline: KindDeadline, CommandQueueTimeout: KindQueueTimeout, CommandTimeout: KindTimeout}

// bound starts the timer that bounds an activation.
func (o *Running) bound(c Command, after time.Duration) {
	o.setTimer(c.Activation+"!"+boundKinds[c.Kind], after, func() { o.expire(c) })
}

// pauseTimer starts the timer that ends a pause.
func (o *Running) pauseTimer(c Command) {
	o.setTimer(c.Activation+"!"+KindPauseTimeout, o.delay(&c), func() { o.expirePause(c) })
}

// forget stops the timers of an activation that has ended.
func (o *Running) forget(activation string) {
	for _, key := range []string{activation, activation + "!" + KindDeadline, activation + "!" + KindQueueTimeout, activation + "!" + KindPauseTimeout, activation + "!" + KindTimeout} {
		if stop := o.timers[key]; stop != nil {
			stop()
			delete(o.timers, key)
		}
	}
}

// stop tells the attempt of an activation to end, now or after a while.
func (o *Running) stop(c *Command) {
	if c.After > 0 {
		activation, rev := c.Activation, c.Rev
		o.setTimer(activation, c.After, func() { o.crew.stop(activation, rev, false) })
		if !c.Begin {
			o.crew.stopUnlessRunning(c.Activation, c.Rev)
		}
		return
	}
	o.crew.stop(c.Activation, c.Rev, c.Begun)
}
