package sim

import "github.com/graflow/graflow-wasm/engine"

// lax is what is still checked of a run that was retried: the model does not say
// what follows then, but what succeeded stays so, attempts count on, and the fold
// says when the run ends.
type lax struct {
	fold      *fold
	completed map[string]bool
	attempts  map[string]int
}

// retried is called for the event that lets an ended run go on.
func (m *model) retried(f *fold) {
	if m.lax == nil {
		m.lax = &lax{f, map[string]bool{}, map[string]int{}}
		for _, e := range f.history {
			m.lax.apply(e)
		}
	}
	m.ended = false
}

func (l *lax) apply(e *engine.Event) {
	id := e.Activation
	switch e.Type {
	case engine.EventStarted, engine.EventCanceled, engine.EventHeld, engine.EventReleased, engine.EventRetried, engine.EventTimer:
		return
	}
	if l.completed[id] {
		breach("what succeeded stays so", "%s of %s, which has completed", e.Type, id)
	}
	if last := l.attempts[id]; e.Attempt < last { // each retry counts one, begun or not
		breach("attempts", "%s of %s in attempt %d, after attempt %d", e.Type, id, e.Attempt, last)
	}
	l.attempts[id] = e.Attempt
	l.completed[id] = e.Type == engine.EventCompleted && e.Effects.Cancel == nil
}
