package sim

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
)

// recover starts a fallback or a rollback; false if there is none to start.
func (m *model) recover(a *mAct, last *engine.Event, err *engine.TaskError) bool {
	t := m.tasks[a.node]
	if err != nil && !m.ending(a.scope) && t.Fallback != "" {
		m.startRecovery(&mRecovery{of: a, task: t.Fallback, last: last, err: err})
		return true
	}
	if t.Rollback == "" || a.attempt == 1 && last != nil && last.Started.IsZero() && !a.hasRun {
		return false
	}
	m.startRecovery(&mRecovery{of: a, task: t.Rollback, rollback: true, last: last, err: err})
	return true
}

func (m *model) startRecovery(r *mRecovery) {
	id := r.of.id + "!fallback"
	if r.rollback {
		id = r.of.id + "!rollback"
	}
	if m.ids[id] {
		breach("recovery", "a second %s", id)
	}
	m.ids[id] = true
	a := &mAct{m: m, id: id, node: r.of.node, scope: r.of.scope, item: r.of.item, cycle: r.of.cycle, attempt: 1, since: m.seq, recovery: r, stopping: m.ending(r.of.scope)}
	a.told = m.recoveryInput(r)
	m.live[id] = a
	m.enqueue(a)
}

// recoveryInput is the task's own input and its error.
func (m *model) recoveryInput(r *mRecovery) json.RawMessage {
	own := m.inputOf(r.of)
	var in map[string]any
	if json.Unmarshal(own, &in) != nil || in == nil {
		in = map[string]any{"input": own}
	}
	told := map[string]any{"kind": engine.KindCanceled, "attempts": r.of.attempt}
	if r.err != nil {
		told["kind"], told["attempts"] = r.err.Kind, r.err.Attempts
		if f := r.err.Fallback; f != nil {
			told["fallback"] = map[string]any{"kind": f.Kind}
		}
	}
	in["error"] = told
	return json.RawMessage(encode(in))
}

// recovered takes the end of a fallback or rollback to its activation.
func (m *model) recovered(a *mAct, e *engine.Event) {
	r := a.recovery
	switch {
	case r.rollback:
		m.rolledBack(r, e)
	case e.Type == engine.EventCompleted:
		r.of.since = a.since
		m.completed(r.of, e)
	case e.Effects.Cancel != nil:
		m.steps++
		m.canceledBy(r.of, *e.Effects.Cancel)
	default:
		m.fallbackFailed(r, e, a.hasRun)
	}
}

func (m *model) fallbackFailed(r *mRecovery, e *engine.Event, began bool) {
	err := *r.err
	err.Fallback = e.Error
	t := m.tasks[r.of.node]
	began = began || r.of.hasRun || r.of.attempt > 1 || !r.last.Started.IsZero() || !e.Started.IsZero()
	if t.Rollback == "" || !began {
		m.failed(r.of, &err)
		return
	}
	m.startRecovery(&mRecovery{of: r.of, task: t.Rollback, rollback: true, last: r.last, err: &err})
}

func (m *model) rolledBack(r *mRecovery, e *engine.Event) {
	if e.Type == engine.EventCompleted {
		for _, op := range e.Effects.Channel {
			m.write(r.of.scope, op)
		}
	}
	if r.err != nil {
		m.failed(r.of, r.err)
		return
	}
	r.of.scope.cut = true
}
