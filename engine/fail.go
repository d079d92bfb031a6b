package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// failedAttempt retries, or fails the activation for good.
func (r *Run) failedAttempt(act *activation, e *Event) {
	if e.Effects.Cancel != nil {
		r.retire(act)
		r.steps++
		r.canceledBy(act, e)
		return
	}
	task := r.vertices[act.vertex].task
	ending := r.verdict != nil || act.scope.stopping()
	if d, again := retryDelay(task.Retry, e.Error, act.attempt-act.earlier, r.id+act.id); again && !ending {
		r.resumed(act)
		act.retrying = true
		act.clock().retry = e.Time.Add(d)
		n := r.taskNotice(NoticeTaskRetrying, act, e)
		n.Delay = Duration(d)
		r.note(n)
		r.commands = append(r.commands, Command{Kind: CommandTimer, Activation: act.id, Attempt: act.attempt + 1, After: d, At: act.timing.retry})
		return
	}
	r.retire(act)
	act.retrying = false
	err := *e.Error
	err.Task, err.Activation, err.Attempt, err.Attempts = task.ID, act.id, act.attempt, act.attempt
	if e.Reason == KindWorkerLost {
		err.Err = errWorkersLost // which does not travel
	}
	if !r.recover(act, e, &err) {
		r.failed(act, e, &err)
	}
}

// failed ends an activation that has failed for good.
func (r *Run) failed(act *activation, e *Event, err *TaskError) {
	r.steps++
	n := r.taskNotice(NoticeTaskFailed, act, e)
	n.Error = err
	r.note(n)
	if !act.isItem {
		r.setResult(act.scope, act.vertex, &result{err: err})
	}
	act.scope.breakOff(broken{act: act})
	r.failScope(act.scope, err)
	r.ended(act.scope)
}

// stopped ends an activation that the engine has stopped; e is nil if it waited
// for its next attempt.
func (r *Run) stopped(act *activation, e *Event) {
	if !r.recover(act, e, nil) {
		r.canceled(act, e, nil)
	}
}

// canceled ends an activation that was stopped; err tells what went wrong
// besides.
func (r *Run) canceled(act *activation, e *Event, err *TaskError) {
	n := r.taskNotice(NoticeTaskCanceled, act, e)
	n.Error = err
	r.note(n)
	act.scope.breakOff(broken{act: act})
	r.ended(act.scope)
}

// notRetried are the kinds of errors that are retried only if listed.
var notRetried = []string{KindDenied, KindInvalidInput, KindQueueTimeout, KindPauseTimeout}

// retryDelay tells whether another attempt follows, and after how long. The
// jitter is drawn from the names, so that every replica draws the same.
func retryDelay(p *Retry, e *TaskError, attempt int, seed string) (time.Duration, bool) {
	if p == nil || attempt > p.Max || e.Permanent {
		return 0, false
	}
	listed := slices.Contains(p.On, e.Kind)
	if len(p.On) > 0 && !listed || slices.Contains(p.Except, e.Kind) {
		return 0, false
	}
	if !listed && slices.Contains(notRetried, e.Kind) {
		return 0, false
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter, true
	}
	limit := float64(p.MaxDelay)
	if limit == 0 {
		limit = float64(time.Minute)
	}
	d := float64(p.Delay) * math.Pow(max(p.Backoff, 1), float64(attempt-1))
	d = min(d, limit)
	if p.Jitter {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", seed, attempt))
		d = min(d*(0.5+float64(binary.BigEndian.Uint64(sum[:])>>11)/(1<<53)), limit)
	}
	return time.Duration(d), true
}
