package flowtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
)

// Config says how a Runner executes tasks.
type Config struct {
	// Handlers by name, of tasks that are not mocked. "builtin" is the runner's own.
	Handlers map[string]engine.Handler
	// CheckSchema is the engine's; nil: what has a schema is refused.
	CheckSchema func(schema, value json.RawMessage) error
	// Patience bounds a case by the machine's clock; 0 is 10 min.
	Patience time.Duration
	// Logger is the engine's; nil is slog.Default().
	Logger *slog.Logger
}

// Runner runs cases. It is safe for concurrent use.
type Runner struct{ config Config }

// New makes a runner.
func New(c Config) *Runner {
	if c.Patience == 0 {
		c.Patience = 10 * time.Minute
	}
	return &Runner{config: c}
}

func (r *Runner) builtin(now func() time.Time) (engine.Handler, error) {
	return builtin.New(builtin.Config{Now: now, CheckSchema: r.config.CheckSchema})
}

// workers is how many tasks of a case may be under way, if it does not say: only one
// of them is awake.
const workers = 64

// Run runs one case. The error says that it could not be run: the flow names handlers
// that there are not, as [flowfile.Errors], or ctx is done.
func (r *Runner) Run(ctx context.Context, f *File, c *Case) (*Result, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, r.config.Patience)
	defer cancel()
	n := c.concurrency
	if n == 0 {
		n = workers
	}
	t := &trial{file: f, c: c, world: newWorld(c.Now, n), mocking: newMocking(f, c), recorder: engine.NewRecorder(), answered: map[string]bool{}}
	if err := t.run(ctx, r); err != nil {
		return nil, fmt.Errorf("case %q: %w", c.Name, err)
	}
	result := t.result()
	result.Elapsed = time.Since(began)
	return result, nil
}

// trial is one case at work.
type trial struct {
	file     *File
	c        *Case
	world    *world
	mocking  *mocking
	recorder *engine.Recorder
	running  *engine.Running
	cover    Coverage

	asking   sync.WaitGroup // for answers that are given
	mu       sync.Mutex     // guards what follows
	answered map[string]bool
	faults   []string
	began    time.Time
	ended    time.Time

	outcome engine.Outcome
	stuck   bool
	channel map[string]json.RawMessage
	files   map[string]string
}

const runID = "test"

func (t *trial) run(ctx context.Context, r *Runner) error {
	graph, err := mockFlows(t.file.Graph, t.mocking.mocks)
	if err != nil {
		return err
	}
	handlers, err := r.handlers(t.world, t.mocking, t.file.tree)
	if err != nil {
		return err
	}
	backend := engine.InMemory()
	backend.Queue, backend.Timers = t.world, t.world
	e, err := engine.New(engine.Config{
		Handlers: handlers, Backend: backend, Concurrency: t.world.workers, Retain: true,
		Observe: t.observe, CheckSchema: r.config.CheckSchema, Logger: r.config.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }() //nolint:contextcheck // closing has no context to end by
	t.cover = newCoverage(t.file)
	t.world.hold()
	if t.c.expect.status == string(engine.StatusPaused) {
		t.world.stays = t.isPaused
	}
	t.began = t.world.Now()
	if t.running, err = e.Start(ctx, graph, engine.Start{ID: runID, Input: t.c.Input}); err != nil {
		return t.file.Flow.Locate(err) // a handler, or a policy, that there is not
	}
	if d := t.c.cancelAfter; d != nil {
		t.world.After(time.Duration(*d), t.cancel)
	}
	t.world.release()
	return t.wait(ctx, e)
}

// wait waits until the run has ended, or nothing can happen any more.
func (t *trial) wait(ctx context.Context, e *engine.Engine) error {
	select {
	case <-t.running.Done():
	case <-t.world.quiet:
	case <-ctx.Done():
		return fmt.Errorf("it has not ended: %w", context.Cause(ctx))
	}
	t.asking.Wait()
	t.outcome = t.running.Outcome()
	t.stuck = t.outcome.Status == engine.StatusRunning
	return errors.Join(t.readOutput(ctx, e), t.readChannel(ctx, e), t.readFiles(ctx, e))
}

// cancel cancels the run. One that has ended stays as it is.
func (t *trial) cancel() { _ = t.running.Cancel("canceled by the test") }

func (t *trial) isPaused() bool { return t.running.Outcome().Status == engine.StatusPaused }

// observe takes a notice. A pause that has an answer in the case gets it.
func (t *trial) observe(n engine.Notice) {
	t.recorder.Observe(n)
	path := t.file.tree.pathOf(n.Activation, "")
	t.cover.observe(path, n)
	t.mu.Lock()
	t.ended = n.Time
	t.mu.Unlock()
	if n.Type != engine.NoticeTaskPaused || n.Message == "" {
		return
	}
	name, a := n.Message, t.c.answers[n.Message]
	if a == nil {
		name, a = path, t.c.answers[path]
	}
	if a == nil {
		return
	}
	t.world.hold() // until it is given, or the time until then begins
	t.asking.Go(func() {
		defer t.world.release()
		give := func() { t.answer(name, n.Activation, a) }
		if a.after == nil {
			give()
			return
		}
		t.world.After(time.Duration(*a.after), give)
	})
}

func (t *trial) answer(name, activation string, a *answer) {
	err := t.running.Resume(activation, a.value)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered[name] = true
	if err != nil && !errors.Is(err, engine.ErrFinished) {
		t.faults = append(t.faults, fmt.Sprintf("the answer to %s in line %d was refused: %s", name, a.at.Line(), err))
	}
}
