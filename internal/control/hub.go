package control

import (
	"slices"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// Hub passes the notices of an engine on to whoever wants them. The zero value is
// ready to use; it is safe for concurrent use.
type Hub struct {
	mu   sync.Mutex // guards what follows
	subs []*subscription
}

type subscription struct {
	run string // "": of all runs
	f   func(engine.Notice)
}

// Observe fits engine.Config.Observe.
func (h *Hub) Observe(n engine.Notice) {
	h.mu.Lock()
	subs := h.subs
	h.mu.Unlock()
	for _, s := range subs {
		if s.run == "" || s.run == n.Run {
			s.f(n)
		}
	}
}

// Subscribe has f called with each notice of a run, "" of all, until stop is
// called: one at a time, and in order. f must be quick and must not call the
// engine.
func (h *Hub) Subscribe(run string, f func(engine.Notice)) (stop func()) {
	s := &subscription{run, f}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs = append(slices.Clip(h.subs), s)
	return func() {
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
