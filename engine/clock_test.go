package engine_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// leap is a clock that goes by a timer's whole time as soon as one is started.
type leap struct {
	mu  sync.Mutex // guards now
	now time.Time
}

var _ engine.Clock = (*leap)(nil)

func (l *leap) Now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

func (l *leap) After(d time.Duration, f func()) (stop func()) {
	t := time.AfterFunc(0, func() {
		l.mu.Lock()
		l.now = l.now.Add(d)
		l.mu.Unlock()
		f()
	})
	return func() { t.Stop() }
}

// waits is a handler that returns once its attempt is ended.
type waits struct{}

func (waits) Handle(ctx context.Context, _ *engine.Call) (engine.Result, error) {
	<-ctx.Done()
	return engine.Result{}, context.Cause(ctx)
}

// TestClock has attempts and retries that take hours end at once, at the times of the
// clock that the timers are.
func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2001, time.January, 1, 0, 0, 0, 0, time.UTC)
	backend := engine.InMemory()
	backend.Timers = &leap{now: start}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"waits": waits{}}, Backend: backend, Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	task := engine.Task{
		ID: "a", Handler: "waits", Timeout: engine.Duration(5 * time.Hour),
		Retry: &engine.Retry{Max: 1, Delay: engine.Duration(3 * time.Hour), MaxDelay: engine.Duration(3 * time.Hour)},
	}
	g, err := engine.NewGraph("g", task)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), g, nil)
	if err != nil || out.Error == nil || out.Error.Kind != engine.KindTimeout || out.Error.Attempts != 2 {
		t.Fatalf("got %+v, %v", out, err)
	}
	h, err := e.History(t.Context(), out.Run)
	if err != nil {
		t.Fatal(err)
	}
	if took := h.Ended.Sub(h.Started); !h.Started.Equal(start) || took != 13*time.Hour {
		t.Errorf("it began at %s and took %s, want %s and 13h: two attempts and a delay", h.Started, took, start)
	}
	if last := h.Events[len(h.Events)-1]; !last.Started.Equal(start.Add(8 * time.Hour)) {
		t.Errorf("the second attempt began at %s, want 8 hours after %s", last.Started, start)
	}
}
