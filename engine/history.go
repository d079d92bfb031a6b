package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// History is what a run's journal tells.
type History struct {
	Run     string
	Flow    string
	Graph   *Graph
	Input   json.RawMessage
	Started time.Time
	Ended   time.Time // zero: it has not
	Origin  *Origin   // of the run from which it went on
	Events  []*Event  // those that it is based on included
	Notices []Notice  // that follow from them
	Tasks   []TaskReport
	Outcome Outcome // how it ended, or stands
	// Live are the activations that have not ended, in the order in which they
	// became ready.
	Live []LiveActivation
}

// LiveActivation is an activation that has not ended.
type LiveActivation struct {
	Activation string    `json:"activation"`
	Task       string    `json:"task"`
	Attempt    int       `json:"attempt"`
	Status     Status    `json:"status"`          // pending: ready or running; retrying; paused
	Due        time.Time `json:"due,omitzero"`    // when it goes on by itself
	Pause      string    `json:"pause,omitempty"` // that it waits for
}

// History reads a run's journal. It changes nothing; the run may be driven by
// this engine or by nobody. Needs Config.Retain. ErrNotFound if there is no such
// run.
func (e *Engine) History(ctx context.Context, run string) (*History, error) {
	g, first, err := e.opening(ctx, run, 0)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	r := NewRun(run, g, e.cfg.Policies)
	r.observed = true
	h := &History{Run: run, Flow: g.Name(), Graph: g}
	recorder := NewRecorder()
	err = e.each(ctx, run, first, r, func(ev *Event) {
		h.Events = append(h.Events, ev)
		h.observe(ev, r, recorder)
	})
	if err != nil {
		return nil, fmt.Errorf("history of run %q: %w", run, err)
	}
	h.Tasks, h.Outcome, h.Input, h.Live = recorder.Tasks(), r.Outcome(), r.input, r.liveOnes()
	return h, nil
}

// Graph is the graph of a run, as the run began. It reads the beginning of the run's
// journal alone, whatever comes behind it. Needs Config.Retain. ErrNotFound if there is
// no such run.
func (e *Engine) Graph(ctx context.Context, run string) (*Graph, error) {
	g, err := e.graphOf(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("graph of a run: %w", err)
	}
	return g, nil
}

// observe takes what followed from an event.
func (h *History) observe(e *Event, r *Run, recorder *Recorder) {
	if h.Started.IsZero() || e.events() != "" { // what it is based on is another run's
		h.Started = e.Time
	}
	if e.Basis != nil {
		h.Origin = e.Basis.Origin
	}
	h.Ended = time.Time{}
	if r.status != StatusRunning {
		h.Ended = e.Time
	}
	for _, n := range r.notices {
		recorder.Observe(n)
	}
	h.Notices = append(h.Notices, r.notices...)
	r.notices = r.notices[:0]
}

func (r *Run) liveOnes() []LiveActivation {
	var all []LiveActivation
	for _, act := range r.inOrder() {
		if act.flows() {
			continue // its tasks are told
		}
		l := LiveActivation{Activation: act.id, Task: act.run.taskOf(act).ID, Attempt: act.attempt, Status: StatusPending}
		switch {
		case act.pause != nil:
			l.Status, l.Due, l.Pause = StatusPaused, act.pause.expires, act.pause.Name
		case act.retrying:
			l.Status, l.Due = StatusRetrying, act.timing.retry
		}
		all = append(all, l)
	}
	return all
}
