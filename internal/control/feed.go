package control

import (
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// Feed completes what is told of a run that other processes drive: a journal tells of
// the start of an attempt only once it has ended. It is safe for concurrent use.
type Feed struct {
	tell func(n engine.Notice, added bool)

	telling sync.Mutex // held while tell is called: one thing at a time

	mu    sync.Mutex     // guards what follows
	after uint64         // nothing up to that event is told
	seen  uint64         // the last event
	begun map[string]int // the last attempt of an activation whose start was told
}

// NewFeed has tell called with what happens, one thing at a time and in order; added
// are the starts that nobody told.
func NewFeed(tell func(n engine.Notice, added bool)) *Feed {
	return &Feed{tell: tell, begun: map[string]int{}}
}

// Skip has nothing told that follows from events up to a sequence.
func (f *Feed) Skip(after uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = after
}

// Moved tells that there was an event after those that are skipped.
func (f *Feed) Moved() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen > f.after
}

// Observe takes a notice of a run that is followed. It fits engine.Config.Observe.
func (f *Feed) Observe(n engine.Notice) {
	f.telling.Lock()
	defer f.telling.Unlock()
	start, missed, skipped := f.take(n)
	if missed {
		f.tell(start, true)
	}
	if !skipped {
		f.tell(n, false)
	}
}

// take notes a notice. It tells the start to be told before it, if there is one, and
// whether the notice itself is to be told.
func (f *Feed) take(n engine.Notice) (start engine.Notice, missed, skipped bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = max(f.seen, n.Seq)
	if n.Type == engine.NoticeTaskStarted && f.begun[n.Activation] >= n.Attempt {
		return start, false, true // its end, or a line of its log, was faster
	}
	start, missed = f.startOf(n)
	skipped = n.Seq != 0 && n.Seq <= f.after
	return start, missed && !skipped, skipped
}

// startOf is the start of the attempt that a notice tells the end of, or something
// from its midst, if the start was not told. The caller holds mu.
func (f *Feed) startOf(n engine.Notice) (start engine.Notice, missed bool) {
	at := n.Started
	switch n.Type {
	case engine.NoticeTaskSucceeded, engine.NoticeTaskFailed, engine.NoticeTaskCanceled, engine.NoticeTaskRetrying, engine.NoticeTaskPaused, engine.NoticeTaskCalled:
	case engine.NoticeTaskStarted, engine.NoticeTaskLog, engine.NoticeTaskProgress:
		at = n.Time
	default:
		return start, false
	}
	if at.IsZero() || f.begun[n.Activation] >= n.Attempt {
		return start, false
	}
	f.begun[n.Activation] = n.Attempt
	if n.Type == engine.NoticeTaskStarted {
		return start, false
	}
	return engine.Notice{
		Seq: n.Seq, Time: at, Type: engine.NoticeTaskStarted, Run: n.Run, Task: n.Task, Activation: n.Activation,
		Handler: n.Handler, Group: n.Group, Attempt: n.Attempt, Cycle: n.Cycle, Worker: n.Worker,
	}, true
}
