package control

import (
	"maps"
	"slices"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// Hub passes the notices of an engine on to whoever wants them. The zero value is
// ready to use; it is safe for concurrent use.
type Hub struct {
	mu   sync.Mutex // guards what follows
	subs []*subscription
	// underway are the starts of attempts that have not ended, by run and
	// activation: a journal has them only once the attempt has ended.
	underway map[[2]string]engine.Notice
}

type subscription struct {
	run string // "": of all runs
	f   func(engine.Notice)
}

// Observe fits engine.Config.Observe.
func (h *Hub) Observe(n engine.Notice) {
	h.mu.Lock()
	subs := h.subs
	h.note(n)
	h.mu.Unlock()
	for _, s := range subs {
		if s.run == "" || s.run == n.Run {
			s.f(n)
		}
	}
}

// note keeps what is under way. The caller holds mu.
func (h *Hub) note(n engine.Notice) {
	switch n.Type {
	case engine.NoticeTaskStarted:
		if n.Seq > 0 { // a sub-flow's, which is in the journal
			return
		}
		if h.underway == nil {
			h.underway = map[[2]string]engine.Notice{}
		}
		h.underway[[2]string{n.Run, n.Activation}] = n
	case engine.NoticeTaskSucceeded, engine.NoticeTaskFailed, engine.NoticeTaskCanceled, engine.NoticeTaskRetrying, engine.NoticeTaskPaused, engine.NoticeTaskCalled:
		delete(h.underway, [2]string{n.Run, n.Activation})
	case engine.NoticeRunFinished:
		maps.DeleteFunc(h.underway, func(of [2]string, _ engine.Notice) bool { return of[0] == n.Run })
	}
}

// startsOf are the starts of a run's attempts that have not ended, in order of time.
// The caller holds mu.
func (h *Hub) startsOf(run string) []engine.Notice {
	var all []engine.Notice
	for of, n := range h.underway {
		if of[0] == run {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b engine.Notice) int { return a.Time.Compare(b.Time) })
	return all
}

// Subscribe has f called with each notice of a run, "" of all, until stop is
// called: one at a time, and in order. f must be quick and must not call the
// engine.
func (h *Hub) Subscribe(run string, f func(engine.Notice)) (stop func()) {
	_, stop = h.subscribe(run, f)
	return stop
}

// subscribe is Subscribe with what is under way then.
func (h *Hub) subscribe(run string, f func(engine.Notice)) (underway []engine.Notice, stop func()) {
	s := &subscription{run, f}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs = append(slices.Clip(h.subs), s)
	return h.startsOf(run), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.subs = slices.DeleteFunc(slices.Clone(h.subs), func(other *subscription) bool { return other == s })
	}
}

// backlog is a queue of notices without a bound: an engine never waits for who
// watches it.
type backlog struct {
	mu     sync.Mutex // guards what follows
	queue  []engine.Notice
	closed bool
	ready  chan struct{} // has one when there is something to take
}

func newBacklog() *backlog { return &backlog{ready: make(chan struct{}, 1)} }

func (b *backlog) put(n engine.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, n)
	b.tell()
}

// first puts notices before all others. Nothing was taken yet.
func (b *backlog) first(notices []engine.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(notices, b.queue...)
	b.tell()
}

func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.tell()
}

func (b *backlog) tell() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// take returns what there is, and whether more may come.
func (b *backlog) take() (queue []engine.Notice, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	queue, b.queue = b.queue, nil
	return queue, !b.closed
}
