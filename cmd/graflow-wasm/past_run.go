package main

import (
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// pastRun is what is known of a run that is there already.
type pastRun struct {
	run      string
	graph    *engine.Graph
	timeline []engine.Notice
	tasks    []engine.TaskReport // that have ended
	outcome  engine.Outcome      // its output may be stored apart, see session.whole
	held     bool                // by hand
	ended    time.Time           // zero: it has not
	last     uint64              // its last event
	moved    time.Time           // the time of that
}

// pastOf is what a journal tells.
func pastOf(h *engine.History, err error) (*pastRun, error) {
	if err != nil {
		return nil, err
	}
	return &pastRun{
		run: h.Run, graph: h.Graph, timeline: control.WithStarts(h), tasks: control.Tasks(h), outcome: h.Outcome, held: control.Held(h),
		ended: h.Ended, last: lastSeq(h), moved: lastOf(h),
	}, nil
}

// pastOfStory is what a server tells.
func pastOfStory(s control.Story, g *engine.Graph) *pastRun {
	p := &pastRun{run: s.Run, graph: g, timeline: s.Timeline, tasks: s.Tasks, outcome: outcomeOf(s), held: s.Held, ended: s.Ended}
	for _, n := range s.Timeline {
		if n.Seq > p.last {
			p.last, p.moved = n.Seq, n.Time
		}
	}
	return p
}

// outcomeOf is how a run stands, or has ended.
func outcomeOf(s control.Story) engine.Outcome {
	return engine.Outcome{
		Run: s.Run, Flow: s.Flow, Status: s.Status, Reason: s.Reason, Message: s.Message, Task: s.Task, Output: s.Output, Error: s.Error,
		Steps: s.Steps, Pending: s.Pending, Warnings: s.Warnings, Pauses: s.Pauses, Checkpoints: s.Checkpoints, Files: s.Files,
	}
}

// has tells whether a notice is of the past.
func (p *pastRun) has(n engine.Notice) bool {
	if p == nil {
		return false
	}
	if n.Seq == 0 { // of no event: a line of a log, or a start
		return n.Time.Before(p.moved)
	}
	return n.Seq <= p.last
}
