package sim

import (
	"slices"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// calledAt begins what an activation has called: a sub-flow whose only group it is.
func (m *model) calledAt(a *mAct, e *engine.Event) {
	if m.ending(a.scope) {
		m.stoppedCalling(a, e)
		return
	}
	prefix := a.id + "/"
	if a.attempt > 1 {
		prefix = a.id + "~" + strconv.Itoa(a.attempt) + "/"
	}
	calls := e.Effects.Calls
	batch := strconv.Itoa(len(a.called) + 1)
	spec, places := m.callSpec(batch, calls)
	sub := m.part(spec, prefix)
	for i, id := range places {
		sub.tasks[id] = m.tasks[calls[i].ID]
	}
	sub.outer, sub.input, sub.calls = a, m.input, calls
	a.sub, a.calling, a.hasRun = sub, true, true
	sub.beginStarts()
	for sub.settleGroups() {
	}
	if a.sub == sub && sub.quiet(sub.root) {
		m.flowEnded(a)
	}
}

// callSpec is the flow of calls: each under the name of its task, or that and a number,
// and what these tasks name.
func (m *model) callSpec(batch string, calls []engine.TaskCall) (s *engine.Spec, places []string) {
	s = &engine.Spec{Name: "calls", Limits: m.spec.Limits}
	g := engine.Group{ID: batch, Policy: engine.Policy{BestEffort: true}}
	behind := map[string]bool{}
	var named func(t *engine.Task)
	named = func(t *engine.Task) {
		for _, id := range append(slices.Clone(t.Tools), t.Fallback, t.Rollback) {
			if id != "" && !behind[id] {
				behind[id] = true
				named(m.tasks[id])
			}
		}
	}
	for _, c := range calls {
		named(m.tasks[c.ID])
	}
	for _, c := range calls {
		place := c.ID
		for n := 2; behind[place] || slices.Contains(places, place); n++ {
			place = c.ID + "-" + strconv.Itoa(n)
		}
		places = append(places, place)
		t := *m.tasks[c.ID]
		t.ID = place
		s.Tasks = append(s.Tasks, t)
		g.Members = append(g.Members, engine.Member{ID: place, Nodes: []string{place}})
	}
	for id := range behind {
		s.Tasks = append(s.Tasks, *m.tasks[id])
	}
	s.Groups = []engine.Group{g}
	return s, places
}

// stoppedCalling ends an activation that was stopped as it called, or meanwhile.
func (m *model) stoppedCalling(a *mAct, e *engine.Event) {
	delete(m.live, a.id)
	if a.recovery != nil {
		m.recovered(a, &engine.Event{Type: engine.EventStopped, Started: e.Started})
		return
	}
	m.stopped(a, e)
}

// callsEnded goes on with an activation after its calls.
func (m *model) callsEnded(a *mAct) {
	sub := a.sub
	a.sub, a.calling = nil, false
	m.silent[a.id] = true // its chain has no commit of it: a timer may be late
	e := &engine.Event{Type: engine.EventFailed, Time: m.now, Started: m.now, Attempt: a.attempt}
	switch v := sub.verdict; {
	case a.stopping && (v == nil || v.err == nil):
		m.stoppedCalling(a, e)
	case v != nil && v.reason == engine.ReasonCanceled:
		e.Effects.Cancel, e.Error = &v.task, &engine.TaskError{Kind: engine.KindCanceled}
		m.failedOnce(a, e)
	case v != nil && v.err != nil:
		e.Error = v.err
		m.failedOnce(a, e)
	default:
		a.called = append(slices.Clone(a.called), sub.heard())
		a.ready, a.back = m.now, m.held
	}
}

// heard are what the calls came to, as the caller is told.
func (m *model) heard() []string {
	all := make([]string, len(m.calls))
	for i := range m.calls {
		all[i] = "error " + engine.KindCanceled
		if m.batch == nil {
			continue
		}
		s := m.batch.members[i]
		place := m.groups[m.batch.node].Members[i].ID
		switch r, ok := s.results[place]; {
		case s.err != nil:
			all[i] = "error " + s.err.Kind
		case s.done && !s.cut && s.again == nil && ok:
			all[i] = plain(r.value)
		}
	}
	return all
}

// forgetFailed forgets the rounds from the first on in which a call has failed: an
// attempt makes them again.
func (a *mAct) forgetFailed() {
	for i, round := range a.called {
		if slices.ContainsFunc(round, func(answer string) bool { return len(answer) > 5 && answer[:5] == "error" }) {
			a.called = slices.Clone(a.called[:i])
			return
		}
	}
}
