package engine

import (
	"maps"
	"slices"
)

// Outstanding returns, for a process that takes the run over, the commands that
// are still to be carried out, in place of all that Decide has returned: it empties
// them. Timers say when they fire in Command.At. Attempts that another process may
// have begun are begun again, or, if they are to stop, stopped.
func (r *Run) Outstanding() []Command {
	r.commands = nil
	if r.status != StatusRunning {
		if r.status == StatusPending {
			return nil
		}
		return []Command{{Kind: CommandFinish}}
	}
	for _, act := range r.inOrder() {
		act.run.outstandingOf(act)
	}
	for _, id := range slices.Sorted(maps.Keys(r.timed)) {
		t := r.timed[id]
		r.commands = append(r.commands, t.run.groupTimeoutOf(t.group))
	}
	commands := r.Decide()
	for i := range commands {
		if c := &commands[i]; !c.At.IsZero() && c.Kind != CommandStop {
			c.After = 0 // some of it has gone by
		}
	}
	return commands
}

func (r *Run) outstandingOf(act *activation) {
	add := func(c Command) { r.commands = append(r.commands, c) }
	if t := act.timing; t != nil && !t.deadline.IsZero() && act.recovery == nil {
		add(r.deadlineOf(act))
	}
	switch {
	case act.list != nil: // it is not to begin yet
		return
	case act.flows():
		if !act.sub.moved {
			r.checkInput(act)
		}
		if !act.clock().timeout.IsZero() {
			add(r.flowTimeoutOf(act))
		}
		return
	case act.pause != nil:
		if !act.pause.expires.IsZero() {
			add(r.pauseTimerOf(act))
		}
		return
	case act.retrying:
		add(Command{Kind: CommandTimer, Activation: act.id, Attempt: act.attempt + 1, At: act.timing.retry})
		return
	}
	if t := act.timing; t != nil && !t.queued.IsZero() && act.recovery == nil {
		add(r.queueTimeoutOf(act))
	}
	switch {
	case act.stopping && act.recovery != nil && act.recovery.rollback:
		add(Command{Kind: CommandStop, Activation: act.id, Attempt: act.attempt, Rev: act.rev, After: rollbackBound, At: r.now.Time.Add(rollbackBound), Begin: true})
	case act.stopping:
		add(Command{Kind: CommandStop, Activation: act.id, Attempt: act.attempt, Rev: act.rev, Begun: true})
	}
	d := *act.delivery // another journal may have made it ready
	d.Seq = r.seq
	act.delivery = &d
	add(Command{Kind: CommandEnqueue, Delivery: act.delivery})
}
