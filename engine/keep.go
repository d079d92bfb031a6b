package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// ErrGraph refuses a run whose graph is missing, or is not what was written.
var ErrGraph = errors.New("the run's graph is not what was written")

// Pinner is a Handler whose tasks run code that may change under its name. What
// Pin returns is kept with the run: a process that goes on with it refuses other
// code of the same name. Both are "" for a task without such code.
type Pinner interface {
	Pin(ctx context.Context, task *Task) (name, digest string, err error)
}

// PinFinder is a Pinner that finds code by its digest, whatever has its name by now.
type PinFinder interface {
	Pinner
	// Pinned tells whether the handler has, or can fetch, the code with a digest that
	// Pin returned for a task.
	Pinned(ctx context.Context, task *Task, digest string) bool
}

// graphOf builds the graph of a run from what was stored when it began.
func (e *Engine) graphOf(ctx context.Context, run string) (*Graph, error) {
	g, _, err := e.opening(ctx, run, 0)
	return g, err
}

// opening is graphOf of a run that has an event of the given sequence, and returns
// the events that it had to read.
func (e *Engine) opening(ctx context.Context, run string, through uint64) (*Graph, []*Event, error) {
	first, err := e.readThrough(ctx, run, 0, through)
	if err != nil {
		return nil, nil, fmt.Errorf("read its log: %w", err)
	}
	if len(first) == 0 {
		return nil, nil, fmt.Errorf("run %q: %w", run, ErrNotFound)
	}
	if first[0].Type != EventStarted || first[0].Basis == nil {
		return nil, nil, fmt.Errorf("run %q: its journal does not begin with the run's start and its graph: it was not kept to be read again", run)
	}
	g, err := e.graph(ctx, run, first[0].Basis.Graph)
	return g, first, err
}

// graph builds a graph from what was stored with a run.
func (e *Engine) graph(ctx context.Context, run, digest string) (*Graph, error) {
	if g := e.graphs.find(digest); g != nil {
		return g, nil
	}
	r, err := e.backend.Blobs.Open(ctx, run, digest)
	switch {
	case errors.Is(err, ErrNotFound): // which is not said of the run
		return nil, fmt.Errorf("run %q: %w: its graph is gone: %s", run, ErrGraph, err.Error())
	case err != nil:
		return nil, fmt.Errorf("read its graph: %w", err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read its graph: %w", err)
	}
	return e.graphs.of(digest, raw)
}

// maxGraphs is how many graphs are kept built.
const maxGraphs = 64

// builtGraphs are graphs by digest: a graph never changes. It is safe for concurrent
// use.
type builtGraphs struct {
	mu   sync.Mutex // guards what follows
	all  map[string]*builtGraph
	last []string // in order of their coming
}

// builtGraph is a graph that is being built, or has been.
type builtGraph struct {
	once  sync.Once
	graph atomic.Pointer[Graph] // nil: not yet, or it can't be
	err   error                 // set with once
}

// find returns one that was built of late, or nil.
func (b *builtGraphs) find(digest string) *Graph {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.all[digest]; g != nil {
		return g.graph.Load()
	}
	return nil
}

// of builds a graph from what has the digest given. Who wants another one does not wait
// for that.
func (b *builtGraphs) of(digest string, raw []byte) (*Graph, error) {
	sum := sha256.Sum256(raw)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != digest {
		return nil, fmt.Errorf("%w: its graph has the digest %s, not %s", ErrGraph, got, digest)
	}
	built := b.enter(digest)
	built.once.Do(func() { // the same bytes can't be built later either
		built.err = fmt.Errorf("%w: building it panicked", ErrGraph) // stays only if it does
		g, err := parseGraph(raw)
		if err != nil {
			built.err = fmt.Errorf("%w: %w", ErrGraph, err)
			return
		}
		built.graph.Store(g)
		built.err = nil
	})
	return built.graph.Load(), built.err
}

// enter finds the graph of a digest, or makes room for it.
func (b *builtGraphs) enter(digest string) *builtGraph {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g := b.all[digest]; g != nil {
		return g
	}
	if len(b.last) == maxGraphs {
		delete(b.all, b.last[0])
		b.last = b.last[1:]
	}
	if b.all == nil {
		b.all = map[string]*builtGraph{}
	}
	g := &builtGraph{}
	b.all[digest] = g
	b.last = append(b.last, digest)
	return g
}

func parseGraph(raw []byte) (*Graph, error) {
	var spec Spec
	if err := DecodeKnown(raw, &spec); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	g, err := spec.Build()
	if err != nil {
		return nil, fmt.Errorf("build the graph: %w", err)
	}
	return g, nil
}

// keepGraph stores a graph, if runs are kept, and pins the code of its tasks. It
// returns the event that starts a run of it.
func (e *Engine) keepGraph(ctx context.Context, g *Graph, run string) (*Event, error) {
	start := &Event{Type: EventStarted}
	var errs []error
	g.eachTask("", func(_ string, t *Task) { errs = append(errs, e.pin(ctx, t, start)) })
	if err := errors.Join(errs...); err != nil || !e.cfg.Retain {
		return start, err
	}
	raw, err := g.MarshalJSON()
	if err != nil {
		return nil, err
	}
	digest, _, err := e.backend.Blobs.Put(ctx, run, bytes.NewReader(raw))
	start.Basis = &Basis{Graph: digest}
	return start, err
}

// pin adds the digest of a task's code to an event.
func (e *Engine) pin(ctx context.Context, t *Task, to *Event) error {
	p, ok := e.cfg.Handlers[handlerName(t)].(Pinner)
	if !ok {
		return nil
	}
	name, digest, err := p.Pin(ctx, t)
	if err != nil {
		return fmt.Errorf("task %q: pin its code: %w", t.ID, err)
	}
	if name != "" {
		to.pin(name, digest)
	}
	return nil
}

func (e *Event) pin(name, digest string) {
	if e.Pins == nil {
		e.Pins = map[string]string{}
	}
	e.Pins[name] = digest
}

func (e *Event) pinAll(pins map[string]string) {
	for name, digest := range pins {
		e.pin(name, digest)
	}
}

// checkPins wants the code of all tasks of a run to be what it was.
func (e *Engine) checkPins(ctx context.Context, run *Run) error {
	var errs []error
	check := func(_ string, t *Task) {
		if len(errs) == 0 {
			errs = append(errs, e.checkPin(ctx, t, run.pins))
		}
	}
	run.graph.eachTask("", check)
	for _, part := range run.parts() { // those added
		for i := len(part.graph.vertices); i < len(part.vertices); i++ {
			check("", part.vertices[i].task)
			if sub := part.subs[int32(i)]; sub != nil {
				sub.eachTask("", check)
			}
		}
		for _, c := range part.calls {
			if c.Task != nil {
				check("", c.Task)
			}
		}
	}
	return errors.Join(errs...)
}

func (e *Engine) checkPin(ctx context.Context, t *Task, pins map[string]string) error {
	p, ok := e.cfg.Handlers[handlerName(t)].(Pinner)
	if !ok {
		return nil
	}
	name, digest, err := p.Pin(ctx, t)
	if err != nil {
		return fmt.Errorf("task %q: %w: %w", t.ID, ErrModule, err)
	}
	was := pins[name]
	if name == "" || was == "" || was == digest {
		return nil
	}
	if f, ok := p.(PinFinder); !ok || !f.Pinned(ctx, t, was) {
		return fmt.Errorf("task %q: %w: %s is now %s, the run began with %s; put that one back, or begin another run", t.ID, ErrModule, name, digest, was)
	}
	return nil
}
