package sim

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

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
