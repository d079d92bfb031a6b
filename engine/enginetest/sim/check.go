package sim

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// fold is a second fold of the run's events by the engine's own state machine,
// beside that of the processes.
type fold struct {
	graph    *engine.Graph
	id       string // that the run had first
	run      *engine.Run
	history  []*engine.Event // also those of earlier ids; without what restored them
	all      []*engine.Event // with what restored them
	commands string
	finished bool
	ready    map[string]*engine.Delivery // by attempt
}

func newFold(g *engine.Graph, run string) *fold {
	return &fold{graph: g, id: run, run: engine.NewRun(run, g, nil), ready: map[string]*engine.Delivery{}}
}

// apply folds an event and keeps what it decided.
func (f *fold) apply(e *engine.Event) {
	f.history, f.all = append(f.history, e), append(f.all, e)
	f.finished = f.finished && e.Type != engine.EventRetried
	f.run.Apply(e)
	f.keep(e, f.run.Decide())
}

// restore folds what there was under another id, up to the event that begins
// there.
func (f *fold) restore(run string, e *engine.Event) {
	f.run = engine.NewRun(run, f.graph, nil)
	f.all = append(f.all, e)
	for _, event := range f.all {
		f.run.Apply(event)
	}
	f.keep(e, f.run.Outstanding())
}

func (f *fold) keep(e *engine.Event, commands []engine.Command) {
	for _, c := range commands {
		if c.Kind == engine.CommandFinish {
			if f.finished {
				breach("end", "the run finishes a second time, after event %d", e.Seq)
			}
			f.finished = true
		}
		f.commands += fmt.Sprintf("%d: %d %s %d %s %t", e.Seq, c.Kind, c.Activation, c.Attempt, c.After, c.Begin)
		if d := c.Delivery; d != nil {
			f.ready[attemptKey(d.Activation, d.Attempt)] = d
			f.commands += fmt.Sprintf(" %s %d %d %d %s", d.Activation, d.Attempt, d.Cycle, d.Rev, d.Input)
		}
		f.commands += "\n"
	}
}

// guarded runs a check: a breach or a panic in it breaks the rule.
func (w *world) guarded(rule string, check func()) {
	if w.broken != nil {
		return
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case ruled:
			w.breaks(p.rule, "%s", p.detail)
		default:
			w.breaks(rule, "%v\n%s", p, debug.Stack())
		}
	}()
	check()
}

// checkEvent is called for each event as it is appended.
func (w *world) checkEvent(chain string, e *engine.Event) {
	if e.Type == engine.EventHeld || e.Type == engine.EventReleased {
		w.parks = true // what workers had taken is enqueued again
	}
	w.guarded("chains", func() {
		if decision := e.Activation == "" || e.Type == engine.EventTimer; decision != (chain == "") || !decision && chain != e.Activation {
			breach("chains", "%s of %q is on the chain %q", e.Type, e.Activation, chain)
		}
	})
	if w.dropped[chain] {
		w.guarded("stale commits", func() {
			if w.fold.run.Apply(e) {
				breach("stale commits", "%s of %s counts, and it has ended", e.Type, e.Activation)
			}
			w.fold.history = append(w.fold.history, e)
			w.stood = append(w.stood, w.model.standing())
		})
		return
	}
	if e.Type == engine.EventRetried {
		w.model.retried(w.fold)
	}
	w.guarded("model", func() { w.model.apply(e) })
	w.guarded("fold", func() {
		w.fold.apply(e)
		if w.model.lax != nil {
			w.model.ended = w.fold.run.Status() != engine.StatusRunning
		}
		if over := w.fold.run.Status() != engine.StatusRunning; over != w.model.ended {
			breach("end", "after event %d the run is %s, want it to have ended: %t; live %s", e.Seq, w.fold.run.Status(), w.model.ended, w.model.liveNames())
		}
	})
	w.stood = append(w.stood, w.model.standing())
	w.guarded("steps", func() {
		if got := w.fold.run.Outcome().Steps; got != w.model.steps && w.model.lax == nil {
			breach("steps", "%d after event %d (%s of %q), want %d", got, e.Seq, e.Type, e.Activation, w.model.steps)
		}
	})
}

// moved is called for the event with which the run goes on under another id.
func (w *world) moved(e *engine.Event) {
	w.run, w.next = w.next, ""
	w.starts = append(w.starts, start{w.run, e, len(w.fold.history)})
	w.guarded("restore", func() {
		if e.Type != engine.EventStarted {
			breach("restore", "the journal of a restored run begins with %s", e.Type)
		}
		w.fold.restore(w.run, e)
		w.model.restored(e)
	})
}

// start is where the run went on under another id.
type start struct {
	run    string
	event  *engine.Event
	before int // events
}

// checkEnqueue wants what is enqueued to be ready, with the same facts whoever
// enqueues it.
func (w *world) checkEnqueue(p *process, d *engine.Delivery) {
	w.guarded("enqueue", func() {
		key := attemptKey(d.Activation, d.Attempt)
		want := w.fold.ready[key]
		switch {
		case want == nil || !w.decided(key):
			breach("enqueue", "%s enqueued %s, which is not ready", p.name, key)
		case plain(want.Input) != plain(d.Input) || want.Cycle != d.Cycle:
			breach("enqueue", "%s enqueued %s with input %s in cycle %d, want %s, %d", p.name, key, d.Input, d.Cycle, want.Input, want.Cycle)
		}
		if n := "enqueued " + key + fmt.Sprint(d.Rev); p.seen[n] && !w.parks {
			breach("enqueue", "%s enqueued %s twice", p.name, key)
		} else {
			p.seen[n] = true
		}
	})
}

// decided tells whether an attempt is, or was, ready.
func (w *world) decided(key string) bool {
	return w.model.decided[key] || w.model.lax != nil && w.fold.ready[key] != nil
}

// checkHandle wants what is executed to have been ready.
func (w *world) checkHandle(c *engine.Call) {
	w.guarded("execution", func() {
		if key := attemptKey(c.Activation, c.Attempt); !w.decided(key) {
			breach("execution", "%s was executed, and was not ready", key)
		}
	})
}

// checkStep is called between steps.
func (w *world) checkStep() {
	w.mu.Lock()
	said, o := w.said, w.cur.outcome
	w.said = nil
	w.mu.Unlock()
	for _, f := range said {
		f()
	}
	if o == nil {
		return
	}
	w.guarded("outcome", func() {
		if !w.model.ended {
			breach("outcome", "%s says that the run has %s, and it has not ended", w.cur.name, o.Status)
		}
		if w.model.lax == nil {
			w.model.checkOutcome(o)
		}
	})
}

// checkEnd is called when the run has ended and nothing is on its way any more.
func (w *world) checkEnd() {
	w.guarded("fold", func() {
		again := newFold(w.graph, w.fold.id)
		starts := w.starts
		for i, e := range w.fold.history {
			for len(starts) > 0 && starts[0].before == i {
				again.restore(starts[0].run, starts[0].event)
				starts = starts[1:]
			}
			again.apply(e)
		}
		if again.commands != w.fold.commands {
			breach("fold", "a second fold of the same events decided otherwise:\n%s\nthan the first:\n%s", again.commands, w.fold.commands)
		}
		if a, b := again.run.Outcome(), w.cur.outcome; plain(encodeRaw(a)) != plain(encodeRaw(*b)) {
			breach("fold", "the outcome of a second fold is %s, that of the process %s", encode(a), encode(b))
		}
	})
}

// checkHistory wants a history to tell how the run stood after its events.
func (w *world) checkHistory(h *engine.History) {
	n := 0
	for _, e := range h.Events {
		if e.Basis == nil || e.Basis.Events == "" {
			n++
		}
	}
	var live []string
	for _, a := range h.Live {
		live = append(live, fmt.Sprintf("%s %d %s", a.Activation, a.Attempt, a.Status))
	}
	slices.Sort(live)
	got := standing{strings.Join(live, ", "), h.Outcome.Steps, !h.Ended.IsZero()}
	w.guarded("history", func() {
		if w.model.lax != nil {
			return
		}
		if n == 0 || got != w.stood[n-1] {
			breach("history", "after %d events: %+v, want %+v", n, got, w.stood[max(0, n-1)])
		}
	})
}

func encodeRaw(v any) json.RawMessage { return json.RawMessage(encode(v)) }
