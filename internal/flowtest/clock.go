package flowtest

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// world is the time of one case, and the queue of its tasks: the two together know
// when there is nothing to do, and time may jump. It is safe for concurrent use.
//
// Whoever does something is awake: a worker from when it has a delivery until it asks
// for the next, but for while it sleeps; a timer that fires; who holds the world. Only
// when nobody is awake the next delivery is given out, or else the next timer fires.
type world struct {
	workers int // of the engine

	mu        sync.Mutex // guards what follows
	at        time.Time  // the time, but for what has gone by since
	since     time.Time  // by the machine's clock; zero: time stands still
	real      int        // tasks that really run
	tick      *time.Timer
	timers    timerHeap
	started   int // timers
	holds     int
	receivers []*receiver
	sleepers  map[*sleeper]bool
	ready     []*engine.Delivery
	quiet     chan struct{} // closed when nothing can happen any more
	stays     func() bool   // tells that time is not to jump; nil: it may
}

type receiver struct{ got chan *engine.Delivery } // has room for one

type sleeper struct {
	ctx   context.Context //nolint:containedctx // that of the attempt which sleeps
	woken bool
}

var (
	_ engine.Clock = (*world)(nil)
	_ engine.Queue = (*world)(nil)
)

func newWorld(start time.Time, workers int) *world {
	return &world{workers: workers, at: start, sleepers: map[*sleeper]bool{}, quiet: make(chan struct{})}
}

// Now implements engine.Clock.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now()
}

func (w *world) now() time.Time {
	if w.since.IsZero() {
		return w.at
	}
	return w.at.Add(time.Since(w.since))
}

// After implements engine.Timers.
func (w *world) After(d time.Duration, f func()) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.start(d, &timer{fire: f})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.drop(t)
	}
}

func (w *world) start(d time.Duration, t *timer) *timer {
	w.started++
	t.due, t.number = w.now().Add(max(0, d)), w.started
	heap.Push(&w.timers, t)
	w.rewind()
	return t
}

func (w *world) drop(t *timer) {
	if t.index >= 0 {
		heap.Remove(&w.timers, t.index)
	}
}

// rewind has the machine's clock fire what is due next, while time goes on with it.
func (w *world) rewind() {
	if w.tick != nil {
		w.tick.Stop()
		w.tick = nil
	}
	if w.real > 0 && len(w.timers) > 0 {
		w.tick = time.AfterFunc(w.timers[0].due.Sub(w.now()), w.fireDue)
	}
}

func (w *world) fireDue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.real > 0 && len(w.timers) > 0 && !w.timers[0].due.After(w.now()) {
		w.fire()
	}
	w.rewind()
}

// fire lets the next timer do what it is for. The caller holds mu.
func (w *world) fire() {
	t := heap.Pop(&w.timers).(*timer)
	if t.wakes {
		t.fire()
		return
	}
	w.holds++
	go func() {
		defer w.release()
		t.fire()
	}()
}

// hold keeps time from jumping, and deliveries from being given out, until release.
func (w *world) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds++
}

func (w *world) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds--
	w.step()
}

// really has time go on as the machine's does while f runs.
func (w *world) really(f func()) {
	w.goOn(1)
	defer w.goOn(-1)
	f()
}

func (w *world) goOn(more int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.now()
	w.real += more
	if w.since = time.Now(); w.real == 0 {
		w.since = time.Time{}
	}
	w.rewind()
}

// sleep lets others go on until d has gone by, or ctx is done.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	woken := make(chan struct{})
	w.mu.Lock()
	s := &sleeper{ctx: ctx}
	t := w.start(d, &timer{wakes: true, fire: func() { s.woken = true; close(woken) }})
	w.sleepers[s] = true
	w.step()
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.drop(t)
		delete(w.sleepers, s)
	}()
	select {
	case <-woken:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// asleep counts those who sleep. One whose context is done is about to wake up.
func (w *world) asleep() int {
	n := 0
	for s := range w.sleepers {
		if !s.woken && s.ctx.Err() == nil {
			n++
		}
	}
	return n
}

// step does what comes next, if nobody is awake. The caller holds mu.
func (w *world) step() {
	if w.holds > 0 || len(w.receivers)+w.asleep() < w.workers {
		return
	}
	switch {
	case len(w.ready) > 0 && len(w.receivers) > 0:
		w.receivers[0].got <- w.ready[0]
		w.receivers, w.ready = w.receivers[1:], w.ready[1:]
	case len(w.timers) > 0 && w.stays != nil:
		w.holds++
		go w.jumpUnless(w.stays)
	case len(w.timers) > 0:
		w.jump()
	default:
		w.end()
	}
}

// jumpUnless asks whether time is to stay, which may need the engine's locks.
func (w *world) jumpUnless(stays func() bool) {
	stay := stays()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds--
	if stay {
		w.end()
		return
	}
	w.jump()
}

// jump lets the time pass until the next timer, and fires it.
func (w *world) jump() {
	if due := w.timers[0].due; due.After(w.now()) {
		w.at = due
		if w.real > 0 { // what hangs, and was given up
			w.since = time.Now()
		}
	}
	w.fire()
}

// end tells that nothing happens any more.
func (w *world) end() {
	select {
	case <-w.quiet:
	default:
		close(w.quiet)
	}
}
