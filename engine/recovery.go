package engine

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// rollbackBound is the time that a rollback has once its run, or its group, is
// ending.
const rollbackBound = 10 * time.Second

// recovery is what is done for an activation after its last attempt: its task's
// fallback, or its rollback. Each is an activation of its own, with a chain of
// its own, and is attempted once.
type recovery struct {
	of       *activation
	task     *Task // that runs
	vertex   int32 // its place
	rollback bool
	last     *Event     // how the last attempt ended; nil: none was running
	err      *TaskError // why; nil: it was stopped
}

// recover starts what is still to be done for an activation whose last attempt
// has ended: its fallback if it failed, else its rollback. It reports false when
// there is nothing.
func (r *Run) recover(act *activation, last *Event, err *TaskError) bool {
	t := r.vertices[act.vertex].task
	rec := recovery{of: act, last: last, err: err}
	if err != nil && !r.ending(act) && r.startRecovery(rec, t.Fallback) {
		return true
	}
	// What never began has nothing to roll back.
	begun := act.began() || last == nil || !last.Started.IsZero()
	rec.rollback = true
	return begun && r.startRecovery(rec, t.Rollback)
}

// began tells that an attempt of the activation, or an earlier execution of the
// present one, has run.
func (act *activation) began() bool {
	return act.attempt > 1 || len(act.answers) > 0 || act.calls != nil && act.calls.called
}

// ending tells that nothing may follow the activation any more.
func (r *Run) ending(act *activation) bool { return r.verdict != nil || act.scope.stopping() }

// startRecovery starts the task of that id for an activation.
func (r *Run) startRecovery(rec recovery, task string) bool {
	v, ok := r.reach(rec.of.scope, task)
	if !ok || r.vertices[v].task == nil {
		return false
	}
	of, name := rec.of, "fallback"
	if rec.rollback {
		name = "rollback"
	}
	rec.task, rec.vertex = r.vertices[v].task, v
	id := of.id + "!" + name
	if r.retries > 0 {
		id += "#" + strconv.Itoa(r.retries+1)
	}
	act := &activation{
		id: id, run: r, vertex: of.vertex, scope: of.scope, cycle: of.cycle, attempt: 1,
		since: r.tick, isItem: of.isItem, stopping: r.ending(of), recovery: &rec,
	}
	r.live[act.id] = act
	if r.observed {
		n := r.taskNotice(NoticeTaskReady, act, nil)
		e := r.recoveryError(&rec)
		n.Why = fmt.Sprintf("%s of %s: %s: %s", name, of.id, e.Kind, e.Message)
		r.note(n)
	}
	r.enqueue(act)
	return true
}

// recoveryError is the error that a recovery is told.
func (r *Run) recoveryError(rec *recovery) *TaskError {
	if rec.err != nil {
		return rec.err
	}
	t := r.vertices[rec.of.vertex].task
	return &TaskError{Kind: KindCanceled, Message: r.stopReason(), Task: t.ID, Activation: rec.of.id, Attempt: rec.of.attempt, Attempts: rec.of.attempt}
}

// stopReason tells why an activation was stopped.
func (r *Run) stopReason() string {
	switch v := r.verdict; {
	case v == nil:
		return "stopped because its group failed"
	case v.err != nil:
		return "stopped because the run failed: " + v.err.Message
	case v.status == StatusCanceled:
		return "the run was canceled: " + v.message
	default:
		return "the run was terminated: " + v.message
	}
}

// recoveryFor is what a worker is told of a recovery.
func (r *Run) recoveryFor(rec *recovery) *Recovery {
	t := r.vertices[rec.of.vertex].task
	d := &Recovery{Of: t, Rollback: rec.rollback, Timeout: t.Timeout}
	if rec.rollback && r.ending(rec.of) && (d.Timeout == 0 || d.Timeout > Duration(rollbackBound)) {
		d.Timeout = Duration(rollbackBound)
	}
	return d
}

// recoveryInput is the task's own input and the error, and what the recovery's
// own With and Params name. An input that is no object is the key input; one
// that could not be made is null.
func (r *Run) recoveryInput(rec *recovery) (json.RawMessage, *TaskError) {
	own, fault := r.resolve(rec.of)
	if fault != nil {
		own = json.RawMessage("null")
	}
	var base map[string]json.RawMessage
	if err := json.Unmarshal(own, &base); err != nil || base == nil {
		base = map[string]json.RawMessage{"input": own}
	}
	told, err := json.Marshal(r.toldError(rec))
	if err != nil {
		return nil, invalidInput(rec.task, err)
	}
	base["error"] = told
	in := newResolver(r, rec.of)
	in.failure = told
	return in.bind(rec.task, base)
}

// toldError is {kind, message, attempts}; a rollback after a fallback is told
// how that failed too.
func (r *Run) toldError(rec *recovery) map[string]any {
	e := r.recoveryError(rec)
	told := map[string]any{"kind": e.Kind, "message": e.Message, "attempts": e.Attempts}
	if f := e.Fallback; f != nil {
		told["fallback"] = map[string]any{"kind": f.Kind, "message": f.Message}
	}
	return told
}

// recoveryEnded takes a recovery's end to the activation that it is for.
func (r *Run) recoveryEnded(act *activation, e *Event) {
	rec := act.recovery
	r.retire(act)
	r.note(r.taskNotice(recoveryNotices[e.Type], act, e))
	switch {
	case rec.rollback:
		r.rolledBack(rec, e)
	case e.Type == EventCompleted:
		rec.of.since = act.since // tasks that exist by now are not its own
		r.completed(rec.of, e, rec.err)
	case e.Effects.Cancel != nil:
		r.steps++
		r.canceledBy(rec.of, e)
	default:
		r.fallbackFailed(rec, e, act.began())
	}
}

var recoveryNotices = map[EventType]NoticeType{
	EventCompleted: NoticeTaskSucceeded,
	EventFailed:    NoticeTaskFailed,
	EventStopped:   NoticeTaskCanceled,
}

// fallbackFailed goes on with the rollback, or fails the activation.
func (r *Run) fallbackFailed(rec *recovery, e *Event, begun bool) {
	err := *rec.err
	err.Fallback = e.Error
	next := recovery{of: rec.of, last: rec.last, err: &err, rollback: true}
	begun = begun || rec.of.began() || !rec.last.Started.IsZero() || !e.Started.IsZero()
	if !begun || !r.startRecovery(next, r.vertices[rec.of.vertex].task.Rollback) {
		r.failed(rec.of, rec.last, &err)
	}
}

// rolledBack ends the activation: as failed, or as canceled if it was stopped.
func (r *Run) rolledBack(rec *recovery, e *Event) {
	if e.Type == EventCompleted {
		for _, op := range e.Effects.Channel {
			r.write(rec.of.scope, op)
		}
	}
	failure := r.rollbackFailure(rec, e)
	if failure != nil {
		r.warn(fmt.Sprintf("rollback of %s failed: %s", rec.of.id, failure.Message))
	}
	switch {
	case rec.err != nil:
		err := *rec.err
		err.Rollback = failure
		r.failed(rec.of, rec.last, &err)
	case failure != nil:
		err := *r.recoveryError(rec)
		err.Rollback = failure
		r.canceled(rec.of, rec.last, &err)
	default:
		r.canceled(rec.of, rec.last, nil)
	}
}

// rollbackFailure is how a rollback failed; nil if it did not. What it asked for
// besides channel writes is dropped, and said to be.
func (r *Run) rollbackFailure(rec *recovery, e *Event) *TaskError {
	fx := &e.Effects
	if len(fx.Next) > 0 || fx.Iterate != nil || fx.Terminate != nil || fx.Cancel != nil || len(fx.Checkpoints) > 0 {
		r.warn(fmt.Sprintf("rollback of %s asked to change the run's course: dropped; only its channel writes count", rec.of.id))
	}
	switch e.Type {
	case EventFailed:
		return e.Error
	case EventStopped:
		return &TaskError{Kind: KindTimeout, Message: fmt.Sprintf("task %q was stopped: a rollback has %s once its run or its group is ending", rec.task.ID, rollbackBound)}
	default:
		return nil
	}
}
