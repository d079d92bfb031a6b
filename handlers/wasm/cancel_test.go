package wasm_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// watched tells when a task begins and when its guest has really stopped.
type watched struct {
	engine.Handler
	task         string
	begun, ended chan time.Time
}

func (w watched) Handle(ctx context.Context, c *engine.Call) (engine.Result, error) {
	if c.Task.ID != w.task {
		return w.Handler.Handle(ctx, c)
	}
	w.begun <- time.Now()
	defer func() { w.ended <- time.Now() }()
	return w.Handler.Handle(ctx, c)
}

// TestCancelStopsGuest is case 55b: a guest that loops for ever is stopped within
// 100 ms, and its task is rolled back. The machine may be busy: one of some tries
// has to be in time.
func TestCancelStopsGuest(t *testing.T) {
	t.Parallel()
	h := watched{Handler: newHandler(t, wasm.Config{}), task: "a", begun: make(chan time.Time, 1), ended: make(chan time.Time, 1)}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"wasm": h}, Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	// The guest is to be stopped, not its compilation.
	g, err := engine.NewGraph("first", task(t, "first", "noop"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Run(t.Context(), g, nil); err != nil || got.Status != engine.StatusSucceeded {
		t.Fatal(marshal(t, got), err)
	}
	var took time.Duration
	for range 10 {
		if took = cancelSpin(t, e, h); took <= 100*time.Millisecond {
			return
		}
	}
	t.Errorf("stopped %s after the cancel, want 100ms", took)
}

// cancelSpin is the time from the cancel until the guest has stopped.
func cancelSpin(t *testing.T, e *engine.Engine, h watched) time.Duration {
	t.Helper()
	spin, undo := task(t, "a", "spin"), task(t, "undo", "noop")
	spin.Rollback, spin.Fallback = "undo", "undo"
	g, err := engine.NewGraph("flow", spin, undo)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Start(t.Context(), g, engine.Start{})
	if err != nil {
		t.Fatal(err)
	}
	<-h.begun
	canceled := time.Now()
	if err := r.Cancel("stop"); err != nil {
		t.Fatal(err)
	}
	ended := <-h.ended
	got, err := r.Wait(t.Context())
	if err != nil || got.Status != engine.StatusCanceled || len(got.Warnings) > 0 {
		t.Errorf("got %s, %v, want canceled and rolled back", marshal(t, got), err)
	}
	return ended.Sub(canceled)
}

// stuckFirst is Modules whose first load lasts until its caller goes away.
type stuckFirst struct {
	loads   atomic.Int32
	loading chan struct{}
}

var errSecondLoad = errors.New("loaded again")

func (s *stuckFirst) Load(ctx context.Context, _ string) ([]byte, string, error) {
	if s.loads.Add(1) > 1 {
		return nil, "", errSecondLoad
	}
	close(s.loading)
	<-ctx.Done()
	return nil, "", context.Cause(ctx)
}

// TestCanceledLoad: whoever waits for a module that another loads does so itself
// when that one was stopped, for whatever cause.
func TestCanceledLoad(t *testing.T) {
	t.Parallel()
	for range 50 {
		modules := &stuckFirst{loading: make(chan struct{})}
		h := newHandler(t, wasm.Config{Modules: modules})
		first, stop := context.WithCancelCause(t.Context())
		errs := make(chan error, 2)
		load := func(ctx context.Context) {
			_, err := h.Handle(ctx, &engine.Call{Task: &engine.Task{ID: "a", Handler: "wasm", Spec: json.RawMessage(`"m.wasm#x"`)}, View: engine.NewView(nil, nil)})
			errs <- err
		}
		go load(first)
		<-modules.loading
		go load(t.Context())
		runtime.Gosched() // so that it waits
		stop(errors.New("stopped"))
		if a, b := <-errs, <-errs; !errors.Is(a, errSecondLoad) && !errors.Is(b, errSecondLoad) {
			t.Fatalf("got %v and %v, want one that loaded again", a, b)
		}
	}
}
