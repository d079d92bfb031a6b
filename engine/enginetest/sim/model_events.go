package sim

import (
	"encoding/json"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// apply takes an event, or breaches a rule.
func (m *model) apply(e *engine.Event) {
	if m.lax != nil {
		if hold := e.Type == engine.EventHeld; hold || e.Type == engine.EventReleased {
			m.held = hold && !m.ended
		}
		m.lax.apply(e)
		return
	}
	if late := []engine.EventType{engine.EventCanceled, engine.EventHeld, engine.EventReleased, engine.EventTimer}; m.ended && slices.Contains(late, e.Type) {
		return
	}
	if a := m.live[e.Activation]; m.ended && a != nil && a.sub != nil && e.Reason != "" {
		return // the timer of a sub-flow that max_steps has left
	}
	if m.ended && !m.overtaken(e) {
		breach("end", "%s of %q was appended after the run's end", e.Type, e.Activation)
	}
	if m.ended {
		return
	}
	if m.begun == (e.Type == engine.EventStarted) {
		breach("start", "event %d is %s", e.Seq, e.Type)
	}
	m.seq++
	m.now = e.Time
	switch e.Type {
	case engine.EventStarted:
		m.start(e)
	case engine.EventCanceled:
		m.canceledOutside(e)
	case engine.EventTimer:
		m.retryDue(e)
	case engine.EventHeld, engine.EventReleased:
		if m.held = e.Type == engine.EventHeld && m.verdict == nil; !m.held {
			m.letAllGo()
		}
	default:
		m.committed(e)
	}
	m.settle()
}

func (m *model) start(e *engine.Event) {
	m.begun, m.input = true, e.Input
	if m.input == nil {
		m.input = null
	}
	m.beginStarts()
}

// beginStarts activates the starts.
func (m *model) beginStarts() {
	m.exposeAll(m.starts)
	for _, id := range m.starts {
		m.activate(m.root, mArrival{node: id, input: m.input, given: true})
	}
}

// letAllGo lets begin what was ready while the run was held.
func (m *model) letAllGo() {
	m.held = false
	for _, a := range m.live {
		a.back = false
	}
}

// restored takes the event with which the run goes on elsewhere: nobody holds it
// any more, and times of waiting begin anew.
func (m *model) restored(e *engine.Event) {
	m.letAllGo()
	m.now = e.Time
	for _, a := range m.live {
		a.begun, a.ready = e.Time, e.Time
		if a.paused != nil {
			a.due = dueOf(a.paused, e.Time)
		}
	}
}

var null = json.RawMessage("null")

func (m *model) canceledOutside(e *engine.Event) {
	if m.verdict != nil {
		return
	}
	v := &mVerdict{status: engine.StatusCanceled, reason: e.Reason}
	if e.Reason == engine.ReasonDeadline {
		v.status, v.err = engine.StatusFailed, &engine.TaskError{Kind: engine.KindRunTimeout}
	}
	m.conclude(v)
}

func (m *model) retryDue(e *engine.Event) {
	a := m.live[e.Activation]
	if a == nil || !a.retrying || a.attempt+1 != e.Attempt {
		return // it was overtaken
	}
	if e.Time.Before(a.due) {
		breach("timer", "%s: attempt %d was let go %s early", a.id, e.Attempt, a.due.Sub(e.Time))
	}
	a.retrying = false
	a.attempt++
	a.m.enqueue(a)
}

// overtaken tells that an event comes from no worker but from a timer or from
// somebody's answer, and its activation was stopped meanwhile without a commit.
func (m *model) overtaken(e *engine.Event) bool {
	return m.silent[e.Activation] && (e.Type == engine.EventAnswered || e.Type == engine.EventTimer || e.Reason != "")
}

// committed takes an event of an activation's chain.
func (m *model) committed(e *engine.Event) {
	a := m.live[e.Activation]
	switch {
	case a == nil && m.overtaken(e):
		return
	case a == nil && m.ids[e.Activation]:
		breach("one commit", "%s of %s, which has ended", e.Type, e.Activation)
	case a == nil:
		breach("order", "%s of %s, which is not ready", e.Type, e.Activation)
	case a.attempt > e.Attempt && e.Reason == engine.KindDeadline:
		return // of an owner that did not know yet that a timer had fired
	case a.attempt != e.Attempt:
		breach("attempts", "%s of %s in attempt %d, want %d", e.Type, a.id, e.Attempt, a.attempt)
	case a.retrying && e.Reason == engine.KindTimeout:
		return // the attempt of a sub-flow, which had just ended by itself
	case a.retrying && e.Reason != engine.KindDeadline:
		breach("attempts", "%s of %s attempt %d, which has failed and waits for its retry", e.Type, a.id, e.Attempt)
	case (a.paused != nil) != (e.Type == engine.EventAnswered) && e.Reason == "":
		breach("pause", "%s of %s, paused: %t", e.Type, a.id, a.paused != nil)
	case a.sub != nil:
		m.flowBounded(a, e)
		return
	}
	a.m.happened(a, e)
}

// happened is what an event of an activation does.
func (m *model) happened(a *mAct, e *engine.Event) {
	switch e.Type {
	case engine.EventAnswered:
		m.answered(a, e)
	case engine.EventBegun:
		a.claims++
	case engine.EventReturned:
		m.returned(a, e)
	case engine.EventPaused:
		m.checkContent(a, e)
		m.pausedAt(a, e)
	case engine.EventCalled:
		m.checkContent(a, e)
		m.calledAt(a, e)
	case engine.EventCompleted:
		m.checkContent(a, e)
		delete(m.live, a.id)
		if a.recovery != nil {
			m.recovered(a, e)
		} else {
			m.completed(a, e)
		}
	case engine.EventFailed:
		m.checkFailure(a, e)
		m.failedOnce(a, e)
	case engine.EventStopped:
		if !a.stopping {
			breach("stop", "%s was stopped, and nothing asked for it", a.id)
		}
		delete(m.live, a.id)
		if a.recovery != nil {
			m.recovered(a, e)
		} else {
			m.stopped(a, e)
		}
	default:
		breach("events", "unknown %s", e.Type)
	}
}

// returned lets another worker begin an attempt anew, if it is not to stop.
func (m *model) returned(a *mAct, e *engine.Event) {
	if a.stopping {
		m.happened(a, &engine.Event{Type: engine.EventStopped, Time: e.Time, Attempt: e.Attempt, Started: e.Started})
		return
	}
	a.ready, a.back = m.now, m.held
}
