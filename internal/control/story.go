package control

import (
	"encoding/json"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Statuses of runs, beside those of the engine.
const (
	// StatusUnreadable is that of a run whose journal can't be read.
	StatusUnreadable engine.Status = "unreadable"
	// StatusInterrupted is that of a run that has not ended, waits for nobody,
	// and that no process is at work on: the one that was has been killed.
	StatusInterrupted engine.Status = "interrupted"
)

// Summary is a run in a listing.
type Summary struct {
	Run     string         `json:"run"`
	Flow    string         `json:"flow"`
	Status  engine.Status  `json:"status"`
	Reason  string         `json:"reason,omitempty"`
	Message string         `json:"message,omitempty"`
	Driven  bool           `json:"driven"` // a process is at work on it, or waits for its answer
	Held    bool           `json:"held,omitempty"`
	Started time.Time      `json:"started,omitzero"`
	Ended   time.Time      `json:"ended,omitzero"`
	Steps   int            `json:"steps"`           // activations committed
	Waits   []string       `json:"waits,omitempty"` // names of the pauses that wait for an answer
	Origin  *engine.Origin `json:"origin,omitempty"`
	Fault   string         `json:"fault,omitempty"` // why it can't be read
}

// driven adds whether a process is at work on the run.
func (s *Summary) driven(yes bool) {
	s.Driven = yes && (s.Status == engine.StatusRunning || s.Status == engine.StatusPaused)
	if s.Status == engine.StatusRunning && !yes {
		s.Status = StatusInterrupted
	}
}

// Story is all that a run's journal tells.
type Story struct {
	Summary
	Task        string                  `json:"task,omitempty"` // which terminated or canceled
	Input       json.RawMessage         `json:"input"`
	Output      json.RawMessage         `json:"output"`
	Error       *engine.TaskError       `json:"error,omitempty"`
	Tasks       []engine.TaskReport     `json:"tasks"`          // that have ended, in order of commit
	Live        []engine.LiveActivation `json:"live,omitempty"` // that have not
	Pending     []string                `json:"pending,omitempty"`
	Pauses      []engine.Waiting        `json:"pauses"` // that wait for an answer
	Checkpoints []engine.CheckpointInfo `json:"checkpoints"`
	Files       []engine.TaskFile       `json:"files,omitempty"` // that tasks have left
	Warnings    []string                `json:"warnings"`
	Timeline    []engine.Notice         `json:"timeline"`
}

func summaryOf(h *engine.History) Summary {
	o := h.Outcome
	s := Summary{
		Run: h.Run, Flow: h.Flow, Status: o.Status, Reason: o.Reason, Message: o.Message,
		Started: h.Started, Ended: h.Ended, Steps: o.Steps, Origin: h.Origin, Held: Held(h),
	}
	for _, e := range h.Events {
		if e.Basis != nil && e.Basis.Origin != nil { // what is before it is another run's
			s.Started = e.Time
		}
	}
	for _, l := range h.Live {
		if l.Pause != "" {
			s.Waits = append(s.Waits, l.Pause)
		}
	}
	return s
}

// Held tells whether a run was paused by hand and not let go since.
func Held(h *engine.History) (held bool) {
	for _, n := range h.Notices {
		switch n.Type {
		case engine.NoticeRunHeld:
			held = true
		case engine.NoticeRunReleased, engine.NoticeRunFinished, engine.NoticeRunRetried:
			held = false
		}
	}
	return held
}

func storyOf(h *engine.History) Story {
	o := h.Outcome
	timeline := WithStarts(h)
	s := Story{
		Summary: summaryOf(h), Task: o.Task, Input: h.Input, Output: o.Output, Error: o.Error,
		Tasks: reports(timeline), Live: h.Live, Pending: o.Pending, Pauses: waitingIn(h), Checkpoints: o.Checkpoints,
		Files: o.Files, Warnings: o.Warnings, Timeline: timeline,
	}
	if s.Input == nil {
		s.Input = json.RawMessage("null")
	}
	if s.Checkpoints == nil {
		s.Checkpoints = []engine.CheckpointInfo{}
	}
	if s.Warnings == nil {
		s.Warnings = []string{}
	}
	return s
}

// Tasks are the reports of a run's activations that have ended, with what its
// journal tells of their attempts.
func Tasks(h *engine.History) []engine.TaskReport { return reports(WithStarts(h)) }

func reports(timeline []engine.Notice) []engine.TaskReport {
	recorder := engine.NewRecorder()
	for _, n := range timeline {
		recorder.Observe(n)
	}
	if tasks := recorder.Tasks(); tasks != nil {
		return tasks
	}
	return []engine.TaskReport{}
}

// WithStarts are the notices of a journal with the starts of attempts added: they
// are no events by themselves, but told by how the attempt ended.
func WithStarts(h *engine.History) []engine.Notice {
	all := make([]engine.Notice, 0, 2*len(h.Notices))
	ready := map[string]engine.Notice{} // by activation: what is known of it
	rest := h.Notices
	for _, e := range h.Events {
		if about, ok := ready[e.Activation]; ok && !e.Started.IsZero() {
			about.Type, about.Seq, about.Time, about.Attempt, about.Why, about.Worker = engine.NoticeTaskStarted, e.Seq, e.Started, e.Attempt, "", e.Worker
			all = append(all, about)
		}
		for ; len(rest) > 0 && rest[0].Seq == e.Seq; rest = rest[1:] {
			if n := rest[0]; n.Type == engine.NoticeTaskReady {
				ready[n.Activation] = n
			}
			all = append(all, rest[0])
		}
	}
	return append(all, rest...)
}

// waitingIn lists the pauses that wait for an answer, also of a run in which
// something else still moves.
func waitingIn(h *engine.History) []engine.Waiting {
	all := []engine.Waiting{}
	for _, l := range h.Live {
		if l.Pause == "" {
			continue
		}
		w := engine.Waiting{Name: l.Pause, Task: l.Task, Activation: l.Activation, Expires: l.Due}
		for _, e := range h.Events {
			if p := e.Effects.Pause; e.Type == engine.EventPaused && e.Activation == l.Activation && p != nil {
				w.Message, w.Schema, w.Since = p.Message, p.Schema, e.Time
			}
		}
		all = append(all, w)
	}
	return all
}
