package main

import (
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// feed completes what is told of a run that other processes drive: a journal tells of
// the start of an attempt only once it has ended. It fits engine.Config.Observe.
type feed struct {
	hub *control.Hub

	telling sync.Mutex // held while the hub is told: one thing at a time

	mu    sync.Mutex     // guards what follows
	after uint64         // nothing up to that event is told
	seen  uint64         // the last event
	begun map[string]int // the last attempt of an activation whose start was told
}

func newFeed(hub *control.Hub) *feed { return &feed{hub: hub, begun: map[string]int{}} }

// skip has nothing told that follows from events up to a sequence.
func (f *feed) skip(after uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = after
}

// moved tells that there was an event after those that are skipped.
func (f *feed) moved() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen > f.after
}

// Observe takes a notice of a run that is followed.
func (f *feed) Observe(n engine.Notice) {
	f.telling.Lock()
	defer f.telling.Unlock()
	for _, n := range f.take(n) {
		f.hub.Observe(n)
	}
}

// take is what a notice tells, in order.
func (f *feed) take(n engine.Notice) []engine.Notice {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = max(f.seen, n.Seq)
	if n.Type == engine.NoticeTaskStarted && f.begun[n.Activation] >= n.Attempt {
		return nil // its end, or a line of its log, was faster
	}
	start, missed := f.startOf(n)
	switch {
	case n.Seq != 0 && n.Seq <= f.after:
		return nil
	case missed:
		return []engine.Notice{start, n}
	}
	return []engine.Notice{n}
}

// startOf is the start of the attempt that a notice tells the end of, or something
// from its midst, if the start was not told. The caller holds mu.
func (f *feed) startOf(n engine.Notice) (start engine.Notice, missed bool) {
	at := n.Started
	switch n.Type {
	case engine.NoticeTaskSucceeded, engine.NoticeTaskFailed, engine.NoticeTaskCanceled, engine.NoticeTaskRetrying, engine.NoticeTaskPaused:
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
