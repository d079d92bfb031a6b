package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/oklog/ulid/v2"
)

// Config says how an Engine works. The zero value runs nothing but is valid:
// every field but Handlers has a default.
type Config struct {
	// Handlers by name. Tasks without a handler use "direct"; those of
	// FlowHandler the engine runs itself.
	Handlers map[string]Handler
	// Policies are the custom group policies by name.
	Policies map[string]GroupPolicy
	// Backend is where runs are kept; nil is InMemory().
	Backend *Backend
	// Concurrency is the number of attempts that run at once; 0 is twice the
	// processors, at least 8. With 1 the order is FIFO, breadth first.
	Concurrency int
	// Observe is told what happens, one notice at a time. It must be quick
	// and must not call the engine. nil costs nothing.
	Observe func(Notice)
	// Retain keeps journals and graphs, so that Recover, Retry, History and
	// checkpoints work; by default a run's journal is dropped as it is read,
	// since nobody could read it after the process has ended.
	Retain bool
	// CheckSchema checks a value against a JSON Schema: the answer to a pause,
	// the input of a sub-flow. Its error says what is wrong. nil: what has a
	// schema is refused.
	CheckSchema func(schema, value json.RawMessage) error
	// Part is what this process does with the runs of a shared backend, once Join
	// is called. One that is alone with its backend does all of it.
	Part Part
	// Name is told as the worker of the attempts that this process executes, on a
	// shared backend.
	Name string
	// MaxDeliveries is how many workers may be lost with an attempt, on a shared
	// backend; then it fails with KindWorkerLost. 0 is 5.
	MaxDeliveries int
	// Probe is told what the engine does. The zero value costs nothing.
	Probe Probe
	// Logger is for faults that no caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// Engine drives runs. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	backend *Backend
	cluster Cluster         // nil: the backend is this process's alone
	clock   Clock           // nil: the time is that of all
	ctx     context.Context //nolint:containedctx // the lifetime of the workers, ended by Close
	cancel  context.CancelFunc
	workers sync.WaitGroup
	start   sync.Once

	mu    sync.Mutex // guards what follows
	runs  map[string]*Running
	crews map[string]*crew   // of a shared backend
	share map[string]sharing // runs that this process is to drive

	graphs   builtGraphs
	replicas replicas
	held     heldRuns
	begin    chan struct{}   // has one for each run that is being recovered
	suspects chan struct{}   // has one for each suspect that runs: at most one
	taking   context.Context //nolint:containedctx // ended when no attempt is to begin any more
	drain    context.CancelFunc

	observing sync.Mutex // serializes Observe
	counters  counters
}

// New makes an engine. Close it to end its goroutines.
func New(cfg Config) (*Engine, error) {
	if cfg.Concurrency < 0 {
		return nil, fmt.Errorf("new engine: concurrency %d: must not be negative", cfg.Concurrency)
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = max(8, 2*runtime.GOMAXPROCS(0))
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.MaxDeliveries == 0 {
		cfg.MaxDeliveries = 5
	}
	e := &Engine{
		cfg: cfg, backend: cfg.Backend, runs: map[string]*Running{}, crews: map[string]*crew{}, share: map[string]sharing{},
		begin: make(chan struct{}, maxRecovering), suspects: make(chan struct{}, 1),
	}
	if e.backend == nil {
		e.backend = InMemory()
	}
	e.clock, _ = e.backend.Timers.(Clock)
	if e.cluster = e.backend.Cluster; e.cluster != nil {
		e.cfg.Retain = true
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.taking, e.drain = context.WithCancel(e.ctx)
	return e, nil
}

// Close stops all attempts and waits for the workers; handlers that do not
// return are not waited for. Runs that have not ended stay as their journals
// tell.
func (e *Engine) Close() error {
	e.mu.Lock() // not beside the start of the workers
	e.cancel()
	e.mu.Unlock()
	open := e.allRunning()
	for _, c := range e.allCrews(open) {
		c.stopAll(ErrClosed)
	}
	e.workers.Wait()
	for _, o := range open {
		o.close()
	}
	return nil
}

func (e *Engine) allRunning() []*Running {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Values(e.runs))
}

// Check tells what of a graph this engine can't run: unknown handlers and
// policies, and specs that handlers refuse, all together as [*BuildError].
func (e *Engine) Check(ctx context.Context, g *Graph) error {
	var errs []error
	fault := func(at, format string, args ...any) {
		errs = append(errs, &BuildError{At: at, Message: fmt.Sprintf(format, args...)})
	}
	g.eachTask("", func(at string, t *Task) {
		if t.Handler == FlowHandler {
			return
		}
		h, ok := e.cfg.Handlers[handlerName(t)]
		if !ok {
			fault(at+"tasks."+t.ID+".handler", "no handler %q; there are %s", handlerName(t), names(e.cfg.Handlers))
			return
		}
		if c, ok := h.(Checker); ok {
			if err := c.Check(ctx, t); err != nil {
				fault(at+"tasks."+t.ID+".spec", "%s", err)
			}
		}
	})
	g.eachGroup("", func(at string, gr *Group) {
		if p := gr.Policy.Custom; p != "" && e.cfg.Policies[p] == nil {
			fault(at+".policy", "no policy %q; there are %s", p, names(e.cfg.Policies))
		}
	})
	return errors.Join(errs...)
}

func names[T any](m map[string]T) string {
	all := make([]string, 0, len(m))
	for n := range m {
		all = append(all, n)
	}
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// Start says how a run begins.
type Start struct {
	// ID names the run; "" draws one that sorts by time.
	ID string
	// Input is the run's input, JSON; nil is null.
	Input json.RawMessage
	// Trace goes with the run, opaque to the engine: every attempt finds it in
	// Call.Trace. It is for what follows a run from process to process.
	Trace string
}

// ErrRunExists refuses a second run of one id.
var ErrRunExists = errors.New("a run of that id exists")

// Start begins a run and returns at once. The graph is checked first.
func (e *Engine) Start(ctx context.Context, g *Graph, s Start) (*Running, error) {
	start, err := e.prepare(ctx, g, &s)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", g.Name(), err)
	}
	o, err := e.launch(ctx, g, s.ID, start)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", g.Name(), err)
	}
	return o, nil
}

// prepare makes the event that begins a run, and draws the run's id if none is
// given.
func (e *Engine) prepare(ctx context.Context, g *Graph, s *Start) (*Event, error) {
	if err := e.Check(ctx, g); err != nil {
		return nil, err
	}
	if s.ID == "" {
		s.ID = ulid.Make().String()
	}
	if s.Input != nil && !json.Valid(s.Input) {
		return nil, errors.New("input is not JSON")
	}
	start, err := e.keepGraph(ctx, g, s.ID)
	if err != nil {
		return nil, err
	}
	start.Input, start.Trace = s.Input, s.Trace
	return start, nil
}

// launch begins to drive a run with its first event.
func (e *Engine) launch(ctx context.Context, g *Graph, run string, start *Event) (*Running, error) {
	if e.cluster != nil {
		if err := e.submit(ctx, g, run, start); err != nil {
			return nil, err
		}
		return e.follow(g, run)
	}
	ended := e.submitting(ctx, run, g.Name(), start)
	o := newRunning(e, g, run)
	err := e.adopt(o)
	if err == nil {
		err = o.begin(ctx, start)
	}
	ended(err)
	if err != nil {
		return nil, err
	}
	e.counters.begun.Add(1)
	return o, nil
}

// Run starts a run and waits for its end, or until it is paused. The outcome
// tells how it ended; the error is nil also when the run failed.
func (e *Engine) Run(ctx context.Context, g *Graph, input json.RawMessage) (Outcome, error) {
	o, err := e.Start(ctx, g, Start{Input: input})
	if err != nil {
		return Outcome{}, err
	}
	return o.Wait(ctx)
}

func (e *Engine) adopt(o *Running) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return ErrClosed
	}
	if e.runs[o.id] != nil {
		return fmt.Errorf("run %q: %w", o.id, ErrRunExists)
	}
	e.runs[o.id] = o
	if e.cluster == nil {
		e.start.Do(e.startWorkers)
	}
	return nil
}

// drop forgets a run that has ended, or was given up. The caller holds the run's mu.
func (e *Engine) drop(o *Running) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[o.id] != o {
		return
	}
	delete(e.runs, o.id)
	if o.err == nil {
		delete(e.share, o.id)
	}
}

func (e *Engine) running(run string) *Running {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[run]
}

func (e *Engine) observe(n Notice) {
	if e.cfg.Observe == nil {
		return
	}
	e.observing.Lock()
	defer e.observing.Unlock()
	e.cfg.Observe(n)
}
