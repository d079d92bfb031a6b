package engine_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// probed notes what a probe is told.
type probed struct {
	mu       sync.Mutex // guards what follows
	calls    []string   // activation trace caller
	ends     []string   // activation type
	results  []string   // activation error
	waits    []time.Duration
	finished []engine.Finished
	done     chan struct{} // closed by the first Finished
}

func (p *probed) probe() engine.Probe {
	return engine.Probe{
		Submit: func(_ context.Context, run, flow, trace string) (string, func(error)) {
			return trace + "+" + flow, func(err error) { p.note(&p.results, "submit "+run, err) }
		},
		Begin: func(ctx context.Context, c *engine.Call) (context.Context, func(engine.Result, error)) {
			p.note(&p.calls, c.Activation+" "+c.Trace+" "+c.Caller, nil)
			p.mu.Lock()
			p.waits = append(p.waits, time.Since(c.Ready))
			p.mu.Unlock()
			c.Trace = "of " + c.Activation
			return context.WithValue(ctx, probedKey{}, c.Activation), func(_ engine.Result, err error) { p.note(&p.results, c.Activation, err) }
		},
		Ended: func(d *engine.Delivery, e *engine.Event) { p.note(&p.ends, d.Activation+" "+string(e.Type), nil) },
		Finished: func(f engine.Finished) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.finished = append(p.finished, f)
			if len(p.finished) == 1 {
				close(p.done)
			}
		},
	}
}

type probedKey struct{}

func (p *probed) note(to *[]string, what string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		what += ": " + err.Error()
	}
	*to = append(*to, what)
}

// probedHandler has an agent that calls a tool which panics the first time.
func probedHandler(t *testing.T) (*direct.Handler, *engine.Graph) {
	t.Helper()
	h := direct.New()
	agent := direct.Func(h, "agent", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Value(probedKey{}) != c.Call.Activation {
			t.Errorf("the handler of %s has the context of %v", c.Call.Activation, c.Value(probedKey{}))
		}
		return c.CallTasks(engine.TaskCall{ID: "tool"})
	})
	agent.Tools = []string{"tool"}
	tool := direct.Func(h, "tool", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Attempt == 1 {
			panic("once")
		}
		return 1, nil
	})
	tool.Retry = &engine.Retry{Max: 1}
	g, err := (&engine.Spec{Name: "probed", Tasks: []engine.Task{agent, tool}}).Build()
	if err != nil {
		t.Fatal(err)
	}
	return h, g
}

// TestProbe runs a flow where a worker is another process than the owner.
func TestProbe(t *testing.T) {
	t.Parallel()
	h, g := probedHandler(t)
	shared, p := enginetest.NewShared(), &probed{done: make(chan struct{})}
	var engines []*engine.Engine
	for _, part := range []engine.Part{engine.PartOwner, engine.PartWorker, engine.PartNone} {
		e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: shared.Backend(), Part: part, Probe: p.probe()})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Join(); err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		engines = append(engines, e)
	}
	if _, err := engines[2].Submit(t.Context(), g, engine.Start{ID: "r", Trace: "T"}); err != nil {
		t.Fatal(err)
	}
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	wantCalls := []string{"agent T+probed ", "agent/1/tool T+probed of agent", "agent/1/tool T+probed of agent", "agent T+probed "}
	if !same(p.calls, wantCalls) {
		t.Errorf("calls\n%s\nwant\n%s", strings.Join(p.calls, "\n"), strings.Join(wantCalls, "\n"))
	}
	for _, wait := range p.waits {
		if wait < 0 || wait > time.Minute {
			t.Errorf("an attempt was ready %s before it began", wait)
		}
	}
	f := p.finished[0]
	if f.Trace != "T+probed" || f.Outcome.Status != engine.StatusSucceeded || f.Retried || f.Ended.Before(f.Started) {
		t.Errorf("finished %+v", f)
	}
	if !strings.Contains(strings.Join(p.results, "\n"), "panicked: once") || !slices.Contains(p.results, "submit r") {
		t.Errorf("results %q", p.results)
	}
	c := engines[0].Counts()
	if c.Succeeded != 1 || c.Begun != 0 || engines[2].Counts().Begun != 1 {
		t.Errorf("the owner counts %+v, the other %+v", c, engines[2].Counts())
	}
}

// same compares two lists of what happened, and prints neither's order of batches.
func same(got, want []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

// TestProbeInMemory tells of ends, and of one run twice if it is retried.
func TestProbeInMemory(t *testing.T) {
	t.Parallel()
	h, g := probedHandler(t)
	p := &probed{done: make(chan struct{})}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: p.probe(), Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	o, err := e.Start(t.Context(), g, engine.Start{ID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Recover(t.Context(), "r"); err != nil { // it has ended, and is not counted again
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	want := []string{"agent called", "agent/1/tool failed", "agent/1/tool completed", "agent completed"}
	if !same(p.ends, want) {
		t.Errorf("ends %q, want %q", p.ends, want)
	}
	if c := e.Counts(); len(p.finished) != 1 || c.Begun != 1 || c.Succeeded != 1 {
		t.Errorf("%d runs finished, counted %+v", len(p.finished), c)
	}
}

// TestOldEventsHaveNoTrace: the format has grown by a field that may be missing.
func TestOldEventsHaveNoTrace(t *testing.T) {
	t.Parallel()
	var e engine.Event
	if err := json.Unmarshal([]byte(`{"seq":1,"time":"2026-01-01T00:00:00Z","type":"run_started","input":1}`), &e); err != nil || e.Trace != "" {
		t.Fatalf("read %+v, %v", e, err)
	}
	text, err := json.Marshal(e)
	if err != nil || strings.Contains(string(text), "trace") {
		t.Errorf("written as %s, %v", text, err)
	}
}
