package sim

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// startFlow begins an attempt of a sub-flow.
func (m *model) startFlow(a *mAct) {
	prefix := a.id + "/"
	if a.attempt > 1 {
		prefix = a.id + "~" + strconv.Itoa(a.attempt) + "/"
	}
	a.sub = m.part(flowOf(m.taskOf(a)), prefix)
	a.sub.outer, a.sub.input = a, m.inputOf(a)
	a.sub.beginStarts()
	for a.sub.settleGroups() {
	}
	if a.sub.quiet(a.sub.root) { // it ends as it begins
		m.flowEnded(a)
	}
}

// flowOf is the flow of a task that is one.
func flowOf(t *engine.Task) *engine.Spec {
	s := &engine.Spec{}
	if err := json.Unmarshal(t.Spec, s); err != nil {
		panic(err)
	}
	return s
}

// flowBounded ends a sub-flow's attempt for the time it took.
func (m *model) flowBounded(a *mAct, e *engine.Event) {
	if a.sub.verdict != nil {
		return // it is ending already
	}
	t := m.tasks[a.node]
	if a.m != m {
		t = a.m.tasks[a.node]
	}
	limit, since := time.Duration(t.Deadline), a.begun
	if e.Error.Kind == engine.KindTimeout && a.calling {
		breach("timeout", "%s ran out of its timeout while no attempt of it ran", a.id)
	}
	if e.Error.Kind == engine.KindTimeout {
		limit, since = time.Duration(t.Timeout), a.ready
		if own := time.Duration(a.sub.spec.Limits.Timeout); limit == 0 || own > 0 && own < limit {
			limit = own
		}
	}
	if e.Type != engine.EventFailed || e.Reason != e.Error.Kind || limit == 0 || e.Time.Before(since.Add(limit)) {
		breach("timeout", "sub-flow %s: %s, %s, after %s of %s", a.id, e.Type, e.Reason, e.Time.Sub(since), limit)
	}
	a.sub.conclude(&mVerdict{status: engine.StatusFailed, err: e.Error})
}

// flowEnded goes on after an attempt of a sub-flow.
func (m *model) flowEnded(a *mAct) {
	if a.calling {
		m.callsEnded(a)
		return
	}
	sub := a.sub
	a.sub = nil
	m.silent[a.id] = true // its chain has no commit of it: a timer may be late
	e := &engine.Event{Type: engine.EventCompleted, Time: m.now, Started: m.now, Attempt: a.attempt}
	switch v := sub.verdict; {
	case v == nil:
		e.Value, _ = sub.output()
		delete(m.live, a.id)
		m.completed(a, e)
	case v.status == engine.StatusSucceeded:
		e.Value = v.output
		delete(m.live, a.id)
		m.completed(a, e)
	case a.stopping && v.err == nil:
		delete(m.live, a.id)
		m.stopped(a, e)
	case v.reason == engine.ReasonCanceled:
		delete(m.live, a.id)
		m.steps++
		m.canceledBy(a, "")
	default:
		e.Type, e.Error = engine.EventFailed, v.err
		m.failedOnce(a, e)
	}
}
