package sim

import (
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// checkFailure wants a failure to have its reason.
func (m *model) checkFailure(a *mAct, e *engine.Event) {
	t := m.taskOf(a)
	limit, spent := m.tasks[a.node].Timeout, e.Time.Sub(e.Started)
	switch kind := e.Error.Kind; kind {
	case engine.KindTimeout:
		rolling := a.recovery != nil && a.recovery.rollback
		if limit == 0 && !rolling || !rolling && spent < time.Duration(limit) {
			breach("timeout", "%s attempt %d timed out after %s of %s", a.id, e.Attempt, spent, time.Duration(limit))
		}
	case engine.KindDeadline:
		if d := time.Duration(t.Deadline); d == 0 || e.Time.Before(a.begun.Add(d)) {
			breach("timeout", "%s ran out of its deadline %s after %s", a.id, d, e.Time.Sub(a.begun))
		}
	case engine.KindQueueTimeout:
		if d := time.Duration(t.QueueTimeout); d == 0 || e.Time.Before(a.ready.Add(d)) {
			breach("timeout", "%s attempt %d ran out of its queue_timeout %s after %s", a.id, e.Attempt, d, e.Time.Sub(a.ready))
		}
	case engine.KindPauseTimeout:
		if a.paused == nil || a.paused.Timeout == 0 || a.paused.Default != nil || e.Time.Before(a.due) {
			breach("pause", "%s timed out in its pause", a.id)
		}
	case engine.KindWorkerLost:
		if a.claims < 4 { // of five: the first may have left no trace
			breach("workers lost", "%s attempt %d is given up after %d workers were lost", a.id, e.Attempt, a.claims)
		}
	default:
		_, s, err := m.says(a)
		if te, ok := err.(*engine.TaskError); !ok || te.Kind != kind || s.hangs(a.attempt) { //nolint:errorlint // as the script made it
			breach("content", "%s attempt %d failed: %s: %s", a.id, e.Attempt, kind, e.Error.Message)
		}
	}
	if e.Effects.Cancel != nil && !m.asksCancel(a) {
		breach("content", "%s attempt %d failed with a cancel", a.id, e.Attempt)
	}
	fx := e.Effects
	fx.Cancel = nil
	if !reflect.DeepEqual(fx, engine.Effects{}) {
		breach("dropped effects", "%s attempt %d failed and left %s", a.id, e.Attempt, encode(fx))
	}
}

func (m *model) asksCancel(a *mAct) bool {
	r, _, _ := m.says(a)
	return r.Effects.Cancel != nil
}

// failedOnce retries, or fails for good.
func (m *model) failedOnce(a *mAct, e *engine.Event) {
	if a.recovery != nil {
		delete(m.live, a.id)
		m.recovered(a, e)
		return
	}
	if e.Effects.Cancel != nil {
		delete(m.live, a.id)
		m.steps++
		m.canceledBy(a, *e.Effects.Cancel)
		return
	}
	t := m.tasks[a.node]
	a.retrying, a.paused = false, nil
	if d, again := delayOf(t.Retry, e.Error, a.attempt); again && !m.ending(a.scope) {
		a.retrying, a.due = true, e.Time.Add(d)
		return
	}
	delete(m.live, a.id)
	err := *e.Error
	err.Task, err.Activation, err.Attempts = t.ID, a.id, a.attempt
	if m.recover(a, e, &err) {
		return
	}
	m.failed(a, &err)
}

// delayOf is whether, and after how long at least, another attempt follows.
func delayOf(r *engine.Retry, e *engine.TaskError, attempt int) (time.Duration, bool) {
	if r == nil || attempt > r.Max || e.Permanent {
		return 0, false
	}
	switch listed := slices.Contains(r.On, e.Kind); {
	case len(r.On) > 0 && !listed, slices.Contains(r.Except, e.Kind):
		return 0, false
	case !listed && (e.Kind == engine.KindDenied || e.Kind == engine.KindInvalidInput || e.Kind == engine.KindQueueTimeout || e.Kind == engine.KindPauseTimeout):
		return 0, false
	}
	d := float64(r.Delay) * math.Pow(max(r.Backoff, 1), float64(attempt-1))
	limit := float64(time.Minute)
	if r.MaxDelay > 0 {
		limit = float64(r.MaxDelay)
	}
	d = min(d, limit)
	if r.Jitter {
		d /= 2
	}
	return time.Duration(d), true
}
