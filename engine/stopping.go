package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

func (r *Run) cancel(e *Event) bool {
	if r.verdict != nil || r.status != StatusRunning {
		return false
	}
	v := &verdict{status: StatusCanceled, reason: e.Reason, message: e.Message}
	if e.Reason == ReasonDeadline {
		v.status = StatusFailed
		v.err = &TaskError{Kind: KindRunTimeout, Message: e.Message}
	}
	r.conclude(v, 0)
	return true
}

func (r *Run) terminate(act *activation, e *Event) {
	r.conclude(&verdict{status: StatusSucceeded, reason: ReasonTerminated, message: *e.Effects.Terminate, task: r.vertices[act.vertex].id, output: e.Value}, 0)
}

func (r *Run) canceledBy(act *activation, e *Event) {
	r.note(r.taskNotice(NoticeTaskCanceled, act, e))
	act.scope.breakOff(broken{act: act})
	if r.verdict == nil {
		r.conclude(&verdict{status: StatusCanceled, reason: ReasonCanceled, message: *e.Effects.Cancel, task: r.vertices[act.vertex].id}, 0)
	}
	r.ended(act.scope)
}

// failScope fails what the scope is: the run, or a member of a group.
func (r *Run) failScope(s *scope, err *TaskError) {
	if s.group == nil {
		if r.verdict == nil {
			v := &verdict{status: StatusFailed, err: err}
			switch {
			case errors.Is(err, errCycleLimit):
				v.reason = ReasonCycleLimit
			case errors.Is(err, errWorkersLost):
				v.reason = ReasonWorkerLost
			}
			r.conclude(v, drain)
		}
		return
	}
	if s.err == nil {
		s.err = err
		s.group.failed++
		if s.live > 1 { // else it is what has failed
			r.stopScope(s, drain)
		}
		r.judge(s.group)
	}
}

// conclude sets how the run ends, and stops what is live.
func (r *Run) conclude(v *verdict, grace time.Duration) {
	r.verdict = v
	if v.task == "" && v.err != nil {
		v.task = v.err.Task
	}
	if r.outer == nil {
		r.letGo() // what was held is stopped as what was not
	}
	r.stopWhere(grace, func(a *activation) bool { return a.run == r })
}

// stopWhere stops live activations: those that wait for a retry, or beyond the
// step limit, end at once; of the others the workers are told.
func (r *Run) stopWhere(grace time.Duration, match func(*activation) bool) {
	var hit []*activation
	for _, act := range r.live {
		if match(act) && !act.stopping {
			hit = append(hit, act)
		}
	}
	slices.SortFunc(hit, func(a, b *activation) int { return compareIDs(a.id, b.id) })
	for _, act := range hit {
		if r.live[act.id] == act && !act.stopping {
			act.stopping = true
			r.stopOne(act, grace)
		}
	}
}

func (r *Run) stopOne(act *activation, grace time.Duration) {
	switch {
	case act.retrying || act.pause != nil:
		r.stopIdle(act, nil)
	case r.blocked.remove(act): // it never began
		r.retire(act)
		r.canceled(act, nil, nil)
	case r.heldBack.remove(act):
		r.stopIdle(act, &Event{Type: EventStopped, Time: r.now.Time, Attempt: act.attempt})
	case act.sub != nil && act.isRollback():
		r.timeFlow(act) // it has a while yet
	case act.sub != nil:
		act.sub.conclude(&verdict{status: StatusCanceled, message: r.stopReason()}, grace)
	default:
		c := Command{Kind: CommandStop, Activation: act.id, Attempt: act.attempt, Rev: act.rev, After: grace}
		if act.isRollback() {
			c.After, c.Begin = rollbackBound, true
		}
		r.commands = append(r.commands, c)
	}
}

// stopIdle ends an activation that no worker has; last is how its attempt ended, nil
// of one that waits for what follows it.
func (r *Run) stopIdle(act *activation, last *Event) {
	if act.recovery != nil {
		r.recoveryEnded(act, &Event{Type: EventStopped, Time: r.now.Time, Attempt: act.attempt})
		return
	}
	r.retire(act)
	r.stopped(act, last)
}

func (act *activation) isRollback() bool { return act.recovery != nil && act.recovery.rollback }

func compareIDs(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// ended takes one off the scope's live count, and settles what follows when
// nothing in it is live any more.
func (r *Run) ended(s *scope) {
	s.live--
	r.settle(s)
}

// settle finishes a scope in which nothing is live.
func (r *Run) settle(s *scope) {
	if s.live > 0 {
		return
	}
	if s.group != nil {
		r.memberEnded(s)
		return
	}
	if r.status != StatusRunning {
		return
	}
	r.finish()
}

// finish ends the run as its verdict says.
func (r *Run) finish() {
	r.status = StatusSucceeded
	if r.verdict != nil {
		r.status = r.verdict.status
	}
	if r.outer != nil {
		r.outer.run.flowEnded(r.outer)
		return
	}
	r.commands = append(r.commands, Command{Kind: CommandFinish})
	if r.observed {
		o := r.Outcome()
		r.note(Notice{Type: NoticeRunFinished, Status: r.status, Outcome: &o})
	}
}

// checkSteps fails the run when nothing but activations beyond max_steps is
// left.
func (r *Run) checkSteps() {
	if r.blocked.size == 0 || len(r.live)-r.flows > r.blocked.size || r.verdict != nil {
		return
	}
	limit := r.graph.maxSteps()
	first := r.blocked.first()
	task := first.run.vertices[first.vertex].id
	r.verdict = &verdict{status: StatusFailed, reason: ReasonStepLimit, task: task, err: &TaskError{
		Kind: KindStepLimit, Task: task, Activation: first.id,
		Message: fmt.Sprintf("run reached max_steps %d with %d activations pending; raise limits.max_steps, or look for a loop", limit, r.blocked.size),
	}}
	r.finish() // they stay listed as pending
}
