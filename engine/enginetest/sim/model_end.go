package sim

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

func (m *model) canceledBy(a *mAct, _ string) {
	if m.verdict == nil {
		m.conclude(&mVerdict{status: engine.StatusCanceled, reason: engine.ReasonCanceled, task: a.node})
	}
}

// conclude sets how the run ends, and stops what is live.
func (m *model) conclude(v *mVerdict) {
	m.verdict = v
	if m == m.top {
		m.letAllGo() // what was held is stopped as what was not
	}
	m.stop(m.root)
}

// stop asks all in a scope to end; what is not at a worker ends at once.
func (m *model) stop(s *mScope) {
	for _, id := range m.liveIDs() {
		a := m.live[id]
		if a == nil || a.stopping || !within(a.scope, s) {
			continue
		}
		a.stopping = true
		if i := slices.Index(m.blocked, a); i >= 0 {
			m.blocked = slices.Delete(m.blocked, i, i+1)
			delete(m.live, id)
			a.scope.cut = true
			continue
		}
		if a.sub != nil {
			a.sub.conclude(&mVerdict{status: engine.StatusCanceled})
			continue
		}
		if a.retrying || a.paused != nil || a.back {
			delete(m.live, id)
			m.silent[id] = true
			last := &engine.Event{Type: engine.EventStopped, Attempt: a.attempt}
			switch {
			case a.recovery != nil:
				m.recovered(a, last)
			case a.retrying || a.paused != nil:
				m.stopped(a, nil)
			default:
				m.stopped(a, last)
			}
		}
	}
}

// failScope fails the run, or a member of a group.
func (m *model) failScope(s *mScope, err *engine.TaskError) {
	if s.group == nil {
		if m.verdict == nil {
			v := &mVerdict{status: engine.StatusFailed, err: err, task: err.Task}
			if err.Kind == engine.KindCycleLimit {
				v.reason = engine.ReasonCycleLimit
			}
			if err.Kind == engine.KindWorkerLost {
				v.reason = engine.ReasonWorkerLost
			}
			m.conclude(v)
		}
		return
	}
	if s.err == nil {
		s.err = err
		m.stop(s)
		m.judge(s.group)
	}
}

func (m *model) failed(a *mAct, err *engine.TaskError) {
	m.steps++
	if !a.item {
		m.setResult(a.scope, a.node, mResult{err: err})
	}
	m.failScope(a.scope, err)
}

// stopped ends an activation that was stopped; e is nil if no worker had it.
func (m *model) stopped(a *mAct, e *engine.Event) {
	if !m.recover(a, e, nil) {
		a.scope.cut = true
	}
}

// settle ends what has nothing live in it: members, sub-flows, then the run.
func (m *model) settle() {
	for again := true; again; {
		again = m.settleGroups()
		for _, id := range m.liveIDs() {
			a := m.live[id]
			if a == nil || a.sub == nil {
				continue
			}
			again = a.sub.settleGroups() || again
			if m.live[id] == a && a.sub != nil && a.sub.quiet(a.sub.root) {
				a.m.flowEnded(a)
				again = true
			}
		}
	}
	switch busy := len(m.live) - m.flows(); {
	case len(m.live) == 0:
		m.ended = true
	case busy == len(m.blocked) && m.verdict == nil:
		first := m.blocked[0]
		m.verdict = &mVerdict{status: engine.StatusFailed, reason: engine.ReasonStepLimit, err: &engine.TaskError{Kind: engine.KindStepLimit}, task: first.node}
		m.ended = true
	}
}

func (m *model) settleGroups() bool {
	changed := false
	for _, id := range slices.Sorted(maps.Keys(m.open)) {
		if g := m.open[id]; g != nil && m.settleGroup(g) {
			changed = true
		}
	}
	return changed
}

// checkOutcome compares how the engine says that the run has ended.
func (m *model) checkOutcome(o *engine.Outcome) {
	v := m.verdict
	if v == nil {
		v = &mVerdict{status: engine.StatusSucceeded}
		v.output, v.reason = m.output()
	}
	kind := ""
	if o.Error != nil {
		kind = o.Error.Kind
	}
	got := []any{o.Status, o.Reason, o.Task, kind, o.Steps, plain(o.Output)}
	output := v.output
	if output == nil {
		output = null
	}
	wantKind := ""
	if v.err != nil {
		wantKind = v.err.Kind
	}
	want := []any{v.status, v.reason, v.task, wantKind, m.steps, plain(output)}
	if !reflect.DeepEqual(got, want) {
		breach("outcome", "status, reason, task, error, steps, output are %v, want %v", got, want)
	}
}

// output is that of the ends reached.
func (m *model) output() (json.RawMessage, string) {
	reached := map[string]json.RawMessage{}
	for _, id := range m.ends() {
		if r, ok := m.root.results[id]; ok && r.err == nil {
			reached[id] = r.value
		}
	}
	switch {
	case len(reached) > 1:
		return json.RawMessage(encode(reached)), ""
	case len(reached) == 1:
		for _, v := range reached {
			return v, ""
		}
	case m.last != nil:
		return m.last, ""
	}
	return null, engine.ReasonNoEnd
}

func (m *model) ends() []string {
	if len(m.spec.End) > 0 {
		return m.spec.End
	}
	var ends []string
	for _, id := range m.nodes() {
		onward := slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.from == id && !e.back })
		if m.home[id].group == "" && !onward && !m.standsBy(id) {
			ends = append(ends, id)
		}
	}
	return ends
}
