package engine

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Recorder keeps what a listing of a run needs, from its notices. It is safe for
// concurrent use.
type Recorder struct {
	mu       sync.Mutex // guards what follows
	why      map[string]string
	started  map[string]time.Time
	attempts map[string]int
	reports  []TaskReport
}

// TaskReport is how an activation ended.
type TaskReport struct {
	Activation string          `json:"activation"`
	Task       string          `json:"task"`
	Handler    string          `json:"handler,omitempty"`
	Group      string          `json:"group,omitempty"`
	Status     Status          `json:"status"`
	Why        string          `json:"why,omitempty"`
	Attempts   int             `json:"attempts"`
	Cycle      int             `json:"cycle,omitempty"`
	Started    time.Time       `json:"started,omitzero"`
	Ended      time.Time       `json:"ended,omitzero"`
	Output     json.RawMessage `json:"output,omitempty"`
	Error      *TaskError      `json:"error,omitempty"`
	Recovered  *TaskError      `json:"recovered,omitempty"` // the error that its fallback made good
	Worker     string          `json:"worker,omitempty"`    // where several processes could have executed it
	Ledger     json.RawMessage `json:"ledger,omitempty"`
}

// NewRecorder makes an empty one, for the notices of one run.
func NewRecorder() *Recorder {
	return &Recorder{why: map[string]string{}, started: map[string]time.Time{}, attempts: map[string]int{}}
}

var statusOf = map[NoticeType]Status{
	NoticeTaskSucceeded: StatusSucceeded,
	NoticeTaskFailed:    StatusFailed,
	NoticeTaskCanceled:  StatusCanceled,
	NoticeTaskSkipped:   StatusSkipped,
}

// Observe takes a notice; it fits Config.Observe.
func (r *Recorder) Observe(n Notice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch n.Type {
	case NoticeTaskReady:
		r.why[n.Activation] = n.Why
	case NoticeTaskStarted:
		if r.started[n.Activation].IsZero() {
			r.started[n.Activation] = n.Time
		}
		r.attempts[n.Activation] = n.Attempt
	}
	if status, ok := statusOf[n.Type]; ok {
		r.reports = append(r.reports, r.report(n, status))
	}
}

func (r *Recorder) report(n Notice, status Status) TaskReport {
	t := TaskReport{
		Activation: n.Activation, Task: n.Task, Handler: n.Handler, Group: n.Group, Status: status, Cycle: n.Cycle,
		Why: r.why[n.Activation], Attempts: r.attempts[n.Activation], Started: r.started[n.Activation], Ended: n.Time,
		Output: n.Value, Error: n.Error, Recovered: n.Recovered, Worker: n.Worker, Ledger: n.Ledger,
	}
	if status == StatusSkipped {
		t.Why = n.Why
	}
	if t.Started.IsZero() { // a journal tells of no start but in the end
		t.Started, t.Attempts = n.Started, max(t.Attempts, n.Attempt)
	}
	delete(r.why, n.Activation)
	delete(r.started, n.Activation)
	delete(r.attempts, n.Activation)
	return t
}

// Tasks returns the activations that have ended, in order of commit.
func (r *Recorder) Tasks() []TaskReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.reports)
}
