package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

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

// says is what the activation's present attempt ends with.
func (m *model) says(a *mAct) (engine.Result, Script, error) {
	t := m.taskOf(a)
	s := scriptOf(t)
	limit := m.visible(a)
	f := facts{
		task: t.ID, activation: a.id, attempt: a.attempt, cycle: a.cycle, canIterate: limit == 0 || a.cycle < limit,
		input: m.inputOf(a), answers: a.answers, called: a.called,
	}
	if len(t.Tools) > 0 {
		f.since = a.first.UnixNano()
	}
	if s.Read != "" {
		f.read = a.channel[s.Read]
	}
	r, err := s.play(f)
	return r, s, err
}

// visible is the limit that a task is told: that of its group's supersteps, if
// it is a member and has none of its own.
func (m *model) visible(a *mAct) int {
	t := m.tasks[a.node]
	if g := m.groups[m.home[a.node].group]; g != nil && t.MaxCycles == nil && m.born[a.node] == 0 && !a.item {
		return m.supersteps(g)
	}
	return m.maxCycles(t)
}

func (m *model) taskOf(a *mAct) *engine.Task {
	if a.recovery != nil {
		return m.tasks[a.recovery.task]
	}
	return m.tasks[a.node]
}

func (m *model) inputOf(a *mAct) json.RawMessage {
	switch {
	case a.told != nil:
		return a.told
	case a.input == nil:
		return null
	}
	return a.input
}

// checkContent wants a commit to say what its attempt has said.
func (m *model) checkContent(a *mAct, e *engine.Event) {
	want, s, err := m.says(a)
	switch {
	case err != nil && e.Type == engine.EventCompleted:
		breach("content", "%s attempt %d: %s, want it to fail: %v", a.id, e.Attempt, e.Type, err)
	case s.hangs(a.attempt):
		breach("content", "%s attempt %d: %s, though it hangs", a.id, e.Attempt, e.Type)
	}
	if e.Type == engine.EventPaused {
		if p := want.Effects.Pause; p == nil || !sameJSON(e.Effects, engine.Effects{Pause: p}) {
			breach("pause", "%s paused with %s, want %s", a.id, encode(e.Effects), encode(p))
		}
		return
	}
	if e.Type == engine.EventCalled {
		if want.Effects.Calls == nil || !sameJSON(e.Effects, engine.Effects{Calls: want.Effects.Calls}) {
			breach("calls", "%s called with %s, want %s", a.id, encode(e.Effects), encode(want.Effects.Calls))
		}
		return
	}
	if want.Effects.Calls != nil {
		breach("calls", "%s completed before its calls", a.id)
	}
	if want.Effects.Pause != nil {
		breach("pause", "%s completed without an answer", a.id)
	}
	if plain(e.Value) != plain(want.Value) {
		breach("content", "%s attempt %d: value %s, want %s of input %s, channel %s", a.id, e.Attempt, e.Value, want.Value, m.inputOf(a), encode(a.channel))
	}
	if !sameJSON(e.Effects, want.Effects) {
		breach("content", "%s attempt %d: effects %s, want %s", a.id, e.Attempt, encode(e.Effects), encode(want.Effects))
	}
}

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

func (m *model) answered(a *mAct, e *engine.Event) {
	p := a.paused
	want, ok := answerTo(a.id), true
	switch e.Reason {
	case "timeout":
		want, ok = p.Default, p.Default != nil && p.Timeout > 0 && !e.Time.Before(a.due)
	case "due":
		want, ok = null, (p.After > 0 || p.Name == "") && !e.Time.Before(a.due)
	}
	if p == nil || !ok || e.Pause != p.Name || plain(want) != plain(e.Value) {
		breach("pause", "%s: pause %q was answered with %s (%s)", a.id, e.Pause, e.Value, e.Reason)
	}
	a.paused, a.ready, a.back, a.hasRun = nil, m.now, m.held, true
	a.answers = maps.Clone(a.answers)
	if a.answers == nil {
		a.answers = map[string]json.RawMessage{}
	}
	a.answers[p.Name] = e.Value
}

func (m *model) pausedAt(a *mAct, e *engine.Event) {
	if m.ending(a.scope) {
		delete(m.live, a.id)
		if a.recovery != nil {
			m.recovered(a, &engine.Event{Type: engine.EventStopped, Started: e.Started})
			return
		}
		m.stopped(a, e)
		return
	}
	p := e.Effects.Pause
	a.paused, a.due = p, dueOf(p, e.Time)
}

// dueOf is when a pause ends by itself.
func dueOf(p *engine.Pause, since time.Time) (due time.Time) {
	for _, d := range []engine.Duration{p.Timeout, p.After} {
		if at := since.Add(time.Duration(d)); d > 0 && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due
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

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(raw)
}

func sameJSON(a, b any) bool { return plain([]byte(encode(a))) == plain([]byte(encode(b))) }
