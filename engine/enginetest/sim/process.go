package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// process is one engine with its own way to the world's storage.
type process struct {
	world   *world
	number  int
	name    string
	engine  *engine.Engine
	queue   *queue
	frozen  bool // scheduled out, as by SIGSTOP
	started int  // timers
	seen    map[string]bool
	ended   chan struct{} // closed when it has died

	// Guarded by the world's mu.
	dead    bool
	running *engine.Running
	ready   bool // Start or Recover has returned
	err     error
	waiting bool // for the run's end
	idle    int  // events that there were when it said that the run is paused
	outcome *engine.Outcome
}

// boot makes a process.
func (w *world) boot() *process {
	p := &process{world: w, number: len(w.procs), name: fmt.Sprintf("p%d", len(w.procs)), queue: w.shared, seen: map[string]bool{}, ended: make(chan struct{}), idle: -1}
	if p.queue == nil {
		p.queue = &queue{}
	}
	f := facade{p}
	e, err := engine.New(engine.Config{
		Handlers:    map[string]engine.Handler{"sim": handler{p}},
		Backend:     &engine.Backend{Journal: f, Queue: f, Timers: f, Channel: w.kept.Channel, Blobs: blobs{p, w.kept.Blobs}},
		Concurrency: w.c.Workers,
		Retain:      !w.c.Forgetful,
		Observe:     func(engine.Notice) {},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	p.engine = e
	w.procs = append(w.procs, p)
	w.cur = p
	return p
}

// submit starts the run.
func (p *process) submit() {
	go func() {
		r, err := p.engine.Start(context.Background(), p.world.graph, engine.Start{ID: p.world.run, Input: p.world.c.Input})
		p.opened(r, err)
	}()
}

// recover goes on with the run.
func (p *process) recover() {
	p.forget()
	run := p.world.run
	go func() {
		r, err := p.engine.Recover(context.Background(), run)
		p.opened(r, err)
	}()
}

// restore goes on with the run under another id, from a checkpoint of it as it
// stands.
func (p *process) restore() {
	p.forget()
	run, next := p.world.run, p.world.next
	point := fmt.Sprintf("#%d", p.world.events())
	go func() {
		doc, err := p.engine.Export(context.Background(), run, point)
		if err != nil {
			p.opened(nil, err)
			return
		}
		r, err := p.engine.Restore(context.Background(), doc, next)
		p.opened(r, err)
	}()
}

// retry lets the run go on that has ended.
func (p *process) retry(from engine.RetryFrom) {
	was := p.outcome
	p.forget()
	p.outcome = nil
	run := p.world.run
	go func() {
		r, err := p.engine.Retry(context.Background(), run, from)
		if errors.Is(err, engine.ErrNotRetryable) {
			p.world.mu.Lock()
			defer p.world.mu.Unlock()
			p.outcome, p.world.retries = was, maxRetries
			return
		}
		p.opened(r, err)
	}()
}

// forget forgets the Running that there was.
func (p *process) forget() {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.ready, p.err, p.running, p.waiting, p.idle = false, nil, nil, false, -1
	p.seen = map[string]bool{}
}

func (p *process) opened(r *engine.Running, err error) {
	p.world.mu.Lock()
	p.running, p.err, p.ready = r, err, true
	p.world.mu.Unlock()
}

// wait waits for the run's end, or for its pause.
func (p *process) wait() {
	p.waiting = true
	r := p.running
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer cancel()
		o, err := r.Wait(ctx)
		p.world.mu.Lock()
		defer p.world.mu.Unlock()
		p.waiting = false
		switch {
		case p.running != r || p.dead: // it is too late to tell
		case err != nil:
			p.err = err
		case o.Status == engine.StatusPaused:
			p.idle = p.world.events()
		default:
			p.outcome = &o
		}
	}()
}

// crash ends a process: from now on its calls fail, without effect.
func (w *world) crash(p *process) {
	w.mu.Lock()
	p.dead, p.frozen = true, false
	close(p.ended)
	fail := func(c *call) bool {
		if c.proc == p {
			c.reply <- errCrashed
		}
		return c.proc == p
	}
	w.parked = slices.DeleteFunc(w.parked, fail)
	w.arrived = slices.DeleteFunc(w.arrived, fail)
	w.mu.Unlock()
	go func() {
		if err := p.engine.Close(); err != nil {
			panic(err)
		}
	}()
}

// handler plays scripts.
type handler struct{ *process }

var _ engine.Handler = handler{}

// Handle implements engine.Handler. It does not look at its context until it is
// let go: as slow as a guest may be.
func (h handler) Handle(ctx context.Context, c *engine.Call) (engine.Result, error) {
	s := scriptOf(c.Task)
	f := facts{
		task: c.Task.ID, activation: c.Activation, attempt: c.Attempt, cycle: c.Cycle, canIterate: c.CanIterate(),
		input: c.Input, answers: c.Answers, called: heard(c.Called), since: sinceOf(c),
	}
	if s.Read != "" {
		f.read, _ = c.View.Get(s.Read)
	}
	err := h.park(&call{
		op: opHandle, key: fmt.Sprintf("%s attempt %d", c.Activation, c.Attempt),
		ready: func() bool { return !s.hangs(c.Attempt) || ctx.Err() != nil },
		do: func() error {
			h.world.checkHandle(c)
			h.world.guarded("calls", func() { s.checkRecord(f, c) })
			return nil
		},
	})
	switch {
	case err != nil && !errors.Is(err, errStubborn):
		return engine.Result{}, err
	case ctx.Err() != nil && err == nil || s.hangs(c.Attempt):
		return engine.Result{}, ctx.Err()
	}
	return s.play(f)
}

// errStubborn lets a handler go as if its context were not done.
var errStubborn = errors.New("simulated: return what there is")
