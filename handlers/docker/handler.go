package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/docker/docker/client"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Handler runs tasks in containers. It is safe for concurrent use. The caller
// closes it.
type Handler struct {
	config  Config
	docker  *client.Client
	scratch *scratch

	patience  time.Duration // for the daemon
	preparing chan struct{} // has one place, for who makes the scratch directory and reaps
	reaped    time.Time     // when what dead processes left was looked for; of who has the place
	cpus      int           // of the daemon's machine; set before the first attempt goes on

	mu        sync.Mutex // guards what follows
	closed    bool
	running   sync.WaitGroup // attempts
	unremoved []string       // containers whose removal failed
	pools     pools
}

var (
	_ engine.Handler   = (*Handler)(nil)
	_ engine.Checker   = (*Handler)(nil)
	_ engine.PinFinder = (*Handler)(nil)
)

// New returns a handler. It talks to no daemon yet, and makes nothing: a process
// whose tasks need no containers needs no daemon. It fails with defaults and a
// policy that can't be, and with secrets that nothing redacts.
func New(config Config) (*Handler, error) {
	if config.Secrets != nil && config.Redactor == nil {
		return nil, errors.New("new docker handler: Config.Secrets needs Config.Redactor")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if _, err := guest.Object("Config.Defaults", config.Defaults, specKeys...); err != nil {
		return nil, fmt.Errorf("new docker handler: %w", err)
	}
	docker, err := newClient(config.Host)
	if err != nil {
		return nil, fmt.Errorf("new docker handler: %w", err)
	}
	h := &Handler{
		config: config, docker: docker, scratch: &scratch{asked: config.Scratch},
		patience: patience, preparing: make(chan struct{}, 1),
	}
	h.pools.handler = h
	return h, nil
}

func newClient(host string) (*client.Client, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	docker, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("%w; look at DOCKER_HOST and its like", err)
	}
	return docker, nil
}

// Check checks a task's spec, limits and grants against what the operator allows.
// It asks no daemon, and so does not tell whether there is such an image. All that
// is wrong is reported, joined.
func (h *Handler) Check(ctx context.Context, task *engine.Task) error {
	_, err := h.settings(ctx, task)
	if err != nil {
		return fmt.Errorf("task %q: %w", task.ID, err)
	}
	return nil
}

// Handle runs one attempt in a container that is gone when it returns, or that is
// cleaned for another with reuse: pool. Every error is a *engine.TaskError: its kind
// is one of this package, of the engine, or the task's own.
//
// When ctx ends, the container is asked to stop, killed after the task's
// stop_timeout, and removed.
func (h *Handler) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	if err := h.begin(ctx); err != nil {
		return engine.Result{}, failure(ctx, call, err)
	}
	defer h.running.Done()
	s, err := h.settings(ctx, call.Task)
	if err != nil {
		return engine.Result{}, invalid(call, err)
	}
	secrets, err := guest.Grant(ctx, h.config.Secrets, h.config.Redactor, s.secrets, s.secretOutput)
	if err != nil {
		return engine.Result{}, guest.SecretFailure(ctx, failure(ctx, call, err), err)
	}
	a := &attempt{handler: h, call: call, settings: s, secrets: secrets, effects: engine.NewBuffer(call)}
	result, err := a.run(ctx)
	if err == nil {
		err = secrets.CheckOutput(result)
	}
	if err != nil {
		result.Value, result.Effects = nil, engine.Effects{Cancel: result.Effects.Cancel}
		return result, secrets.Hide(guest.SecretFailure(ctx, failure(ctx, call, err), err))
	}
	return result, nil
}

// begin counts an attempt, unless the handler is closed. Now and then it first removes
// what dead processes have left.
func (h *Handler) begin(ctx context.Context) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return errors.New("the docker handler is closed")
	}
	h.running.Add(1)
	h.mu.Unlock()
	err := h.prepare(ctx)
	if err != nil {
		h.running.Done()
	}
	return err
}

// prepare makes what all attempts need. A daemon that hangs holds nobody longer than
// their own context.
func (h *Handler) prepare(ctx context.Context) error {
	select {
	case h.preparing <- struct{}{}:
		defer func() { <-h.preparing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := h.scratch.make(); err != nil {
		return err
	}
	if time.Since(h.reaped) > reapEvery && h.reap(ctx) {
		h.reaped = time.Now()
	}
	if h.cpus > 0 {
		return nil
	}
	return h.ask(ctx, "ask the daemon for its processors", func(ctx context.Context) error {
		info, err := h.docker.Info(ctx)
		h.cpus = info.NCPU
		return err
	})
}

// reapEvery is how soon a worker that takes over a dead one's tasks removes what
// that has left.
const reapEvery = 5 * time.Second

// Close waits for the attempts that run, removes the containers that are kept for
// reuse, and all files. Cancel the attempts first.
func (h *Handler) Close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.running.Wait()
	return errors.Join(h.pools.close(), h.removeOthers(context.Background(), nil, nil), h.scratch.remove(), h.docker.Close())
}

// ledger is what an attempt used.
type ledger struct {
	Image     string           `json:"image"` // its id
	WallMS    int64            `json:"wall_ms"`
	Exit      int64            `json:"exit"`
	Reused    bool             `json:"reused,omitempty"` // the container, from a pool
	Output    int              `json:"output_bytes"`
	Logged    int64            `json:"log_bytes"`
	HostCalls map[string]int64 `json:"host_calls,omitempty"`
}

func (l ledger) json() json.RawMessage {
	data, err := json.Marshal(l)
	if err != nil {
		return nil
	}
	return data
}
