package sim

import (
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

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

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(raw)
}

func sameJSON(a, b any) bool { return plain([]byte(encode(a))) == plain([]byte(encode(b))) }
