package console

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// Statuses of activations, beside the engine's.
const (
	statusWaiting engine.Status = "waiting" // ready, for a worker
	statusCalling engine.Status = "calling" // for tasks that it has called
)

// attempt is one execution of a task.
type attempt struct {
	N              int
	Started, Ended time.Time // Ended zero: not yet
	Worker         string
	Status         engine.Status
	Error          *engine.TaskError
	Ledger         ledger
	Delay          time.Duration // until the next one
}

// Took is how long it ran.
func (a attempt) Took() time.Duration {
	if a.Ended.IsZero() {
		return 0
	}
	return a.Ended.Sub(a.Started)
}

// segment is a time in an activation's life.
type segment struct {
	Kind     string // wait, run, retry, pause or call
	Status   engine.Status
	From, To time.Time // To zero: it goes on
	Text     string
}

// activation is a task, or a group, in a run, with all that became of it.
type activation struct {
	ID, Task, Handler, Group string
	IsGroup                  bool
	Why                      string
	Status                   engine.Status
	Cycle                    int
	Ready, Ended             time.Time
	Due                      time.Time // when it goes on by itself
	Pause                    string
	Attempts                 []attempt
	Output                   json.RawMessage
	Error, Recovered         *engine.TaskError
	Segments                 []segment
}

// Started is when its first attempt began, zero before.
func (a *activation) Started() time.Time {
	if len(a.Attempts) == 0 {
		return time.Time{}
	}
	return a.Attempts[0].Started
}

// Last is its last attempt.
func (a *activation) Last() attempt {
	if len(a.Attempts) == 0 {
		return attempt{}
	}
	return a.Attempts[len(a.Attempts)-1]
}

// Since is when the attempt began that runs now, zero without one.
func (a *activation) Since() time.Time {
	if !a.running() {
		return time.Time{}
	}
	return a.Last().Started
}

// Result is the beginning of its output, as it is.
func (a *activation) Result() string { return string(a.Output[:min(len(a.Output), 400)]) }

// Worker is that of the last attempt.
func (a *activation) Worker() string { return a.Last().Worker }

// Tried is how many attempts there were: one that goes on after a pause is the same.
func (a *activation) Tried() (n int) {
	for _, one := range a.Attempts {
		n = max(n, one.N)
	}
	return n
}

// Took is how long its attempts ran, all in all.
func (a *activation) Took() (d time.Duration) {
	for _, one := range a.Attempts {
		d += one.Took()
	}
	return d
}

// activationsOf folds the timeline of a run: its activations in the order in which
// they came up.
func activationsOf(s control.Story) []*activation {
	f := folding{by: map[string]*activation{}}
	for _, n := range s.Timeline {
		if n.Activation != "" {
			f.apply(n)
		}
	}
	for _, l := range s.Live {
		if a := f.by[l.Activation]; a != nil {
			a.Due, a.Pause = l.Due, l.Pause
		}
	}
	if !s.Ended.IsZero() {
		for _, a := range f.all {
			a.close(s.Ended)
		}
	}
	return f.all
}

type folding struct {
	by  map[string]*activation
	all []*activation
}

func (f *folding) of(n engine.Notice) *activation {
	a := f.by[n.Activation]
	if a == nil {
		a = &activation{ID: n.Activation, Task: n.Task, Handler: n.Handler, Group: n.Group, Status: engine.StatusPending}
		f.by[n.Activation] = a
		f.all = append(f.all, a)
	}
	a.Cycle = max(a.Cycle, n.Cycle)
	return a
}

func (f *folding) apply(n engine.Notice) {
	switch n.Type {
	case engine.NoticeTaskReady:
		a := f.of(n)
		a.Why, a.Ready, a.Status = n.Why, n.Time, statusWaiting
		a.Error, a.Ended = nil, time.Time{}
		a.turn(n.Time, "wait", "ready, waits for a worker")
	case engine.NoticeTaskStarted:
		f.of(n).start(n, n.Time)
	case engine.NoticeTaskRetrying:
		a := f.of(n)
		a.stop(n, engine.StatusFailed)
		a.Status = engine.StatusRetrying
		a.Attempts[len(a.Attempts)-1].Delay = time.Duration(n.Delay)
		a.turn(n.Time, "retry", "waits "+durationText(time.Duration(n.Delay))+" for its next attempt")
		a.Due = n.Time.Add(time.Duration(n.Delay))
	case engine.NoticeTaskPaused, engine.NoticeTaskCalled:
		f.idle(n)
	case engine.NoticeTaskResumed:
		a := f.of(n)
		a.Status = statusWaiting
		a.turn(n.Time, "wait", "goes on, waits for a worker")
	case engine.NoticeTaskSucceeded:
		f.end(n, engine.StatusSucceeded)
	case engine.NoticeTaskFailed:
		f.end(n, engine.StatusFailed)
	case engine.NoticeTaskCanceled:
		f.end(n, engine.StatusCanceled)
	case engine.NoticeTaskSkipped:
		a := f.of(n)
		a.Status, a.Why, a.Ended = engine.StatusSkipped, n.Why, n.Time
	case engine.NoticeGroupStarted:
		a := f.of(n)
		a.IsGroup, a.Why, a.Ready, a.Status = true, n.Why, n.Time, engine.StatusRunning
		a.turn(n.Time, "group", "group")
	case engine.NoticeGroupFinished:
		a := f.of(n)
		a.IsGroup, a.Status, a.Ended, a.Error, a.Output = true, n.Status, n.Time, n.Error, n.Value
		a.close(n.Time)
	}
}

// idle is for an attempt that ended to wait for an answer, or for tasks it has called.
func (f *folding) idle(n engine.Notice) {
	a, status, kind, text := f.of(n), engine.StatusPaused, "pause", "waits for an answer"
	if n.Type == engine.NoticeTaskCalled {
		status, kind, text = statusCalling, "call", "waits for tasks that it has called: "+n.Message
	} else if n.Message != "" {
		text += " to " + n.Message
	}
	a.stop(n, status)
	a.Status = status
	a.turn(n.Time, kind, text)
}

func (f *folding) end(n engine.Notice, status engine.Status) {
	a := f.of(n)
	if a.running() || !n.Started.IsZero() && !a.told(n.Started) {
		a.stop(n, status)
	}
	a.close(n.Time)
	a.Status, a.Ended, a.Output, a.Error, a.Recovered = status, n.Time, n.Value, n.Error, n.Recovered
	a.Due = time.Time{}
}

// start begins an attempt, unless its start was told before: a worker's claim and the
// end both tell it.
func (a *activation) start(n engine.Notice, at time.Time) {
	if a.running() {
		last := &a.Attempts[len(a.Attempts)-1]
		if last.N == n.Attempt && (last.Worker == n.Worker || n.Worker == "" || last.Worker == "") {
			return
		}
		last.Ended, last.Status = at, engine.StatusCanceled // another worker has it now
	}
	if a.Status == engine.StatusRetrying && at.After(a.Due) {
		a.turn(a.Due, "wait", "waits for a worker")
	}
	a.Status, a.Due = engine.StatusRunning, time.Time{}
	a.Attempts = append(a.Attempts, attempt{N: n.Attempt, Started: at, Worker: n.Worker, Status: engine.StatusRunning})
	text := "runs"
	if n.Worker != "" {
		text += " on " + n.Worker
	}
	a.turn(at, "run", text)
}

// stop ends the attempt that a notice tells of.
func (a *activation) stop(n engine.Notice, status engine.Status) {
	if !a.running() {
		began := n.Started
		if began.IsZero() {
			began = n.Time
		}
		a.start(n, began)
	}
	last := &a.Attempts[len(a.Attempts)-1]
	last.Ended, last.Status, last.Error, last.Ledger = n.Time, status, n.Error, newLedger(n.Ledger)
	if n.Worker != "" {
		last.Worker = n.Worker
	}
	s := &a.Segments[len(a.Segments)-1]
	s.Status = status
	s.Text = attemptText(*last)
	a.close(n.Time)
}

func (a *activation) running() bool {
	return len(a.Attempts) > 0 && a.Attempts[len(a.Attempts)-1].Ended.IsZero()
}

// told says that an attempt that began then is known.
func (a *activation) told(began time.Time) bool {
	return slices.ContainsFunc(a.Attempts, func(one attempt) bool { return one.Started.Equal(began) })
}

// turn closes the segment that goes on, and begins another.
func (a *activation) turn(at time.Time, kind, text string) {
	a.close(at)
	a.Segments = append(a.Segments, segment{Kind: kind, Status: a.Status, From: at, Text: text})
}

func (a *activation) close(at time.Time) {
	if n := len(a.Segments); n > 0 && a.Segments[n-1].To.IsZero() {
		if a.Segments[n-1].From.After(at) {
			at = a.Segments[n-1].From
		}
		a.Segments[n-1].To = at
	}
}

func attemptText(a attempt) string {
	text := "attempt " + countText(a.N)
	if a.Worker != "" {
		text += " on " + a.Worker
	}
	switch text += ": " + statusText(a.Status); a.Status {
	case engine.StatusPaused, statusCalling:
	default:
		text += " after " + durationText(a.Took())
	}
	if a.Error != nil {
		text += ": " + shortText(160, a.Error.Message)
	}
	return text
}

// statesOf are the statuses of a graph's nodes, from those of their activations: what
// goes on counts more than what has ended, and what came later more than what was.
func statesOf(g *engine.Graph, all []*activation) map[string]engine.Status {
	states, ranks := map[string]engine.Status{}, map[string]int{}
	for _, a := range all {
		if inSubFlow(g, a.ID) {
			continue
		}
		r := rank(a.Status)
		if a.Group == a.Task && a.Status == engine.StatusFailed { // an item of a map: one that failed is worth seeing
			r = 1
		}
		if r >= ranks[a.Task] || states[a.Task] == "" {
			states[a.Task], ranks[a.Task] = a.Status, r
		}
	}
	return states
}

func rank(s engine.Status) int {
	switch s {
	case engine.StatusRunning, statusCalling:
		return 6
	case engine.StatusPaused:
		return 5
	case engine.StatusRetrying:
		return 4
	case statusWaiting, engine.StatusPending:
		return 3
	}
	return 0
}

// inSubFlow tells whether an activation is of a flow inside the run's.
func inSubFlow(g *engine.Graph, id string) bool {
	parts := strings.Split(id, "/")
	for _, part := range parts[:len(parts)-1] {
		if i := strings.IndexAny(part, "#~["); i >= 0 {
			part = part[:i]
		}
		if t := g.Task(part); t != nil && t.Handler == engine.FlowHandler {
			return true
		}
	}
	return false
}
