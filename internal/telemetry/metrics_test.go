package telemetry_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/telemetry"
)

// TestOutcomes counts attempts by how they ended.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, telemetry.Config{})
	h := direct.New()
	tool := direct.Func(h, "tool", func(*direct.Context, json.RawMessage) (any, error) { return 1, nil })
	for name, f := range map[string]func(c *direct.Context) (any, error){
		"fine":  func(*direct.Context) (any, error) { return 1, nil },
		"fails": func(*direct.Context) (any, error) { return nil, errors.New("oh no") },
		"own": func(*direct.Context) (any, error) {
			return nil, &engine.TaskError{Kind: "of a guest's making", Message: "oh"}
		},
		"panics": func(*direct.Context) (any, error) { panic("oh") },
		"hangs":  func(c *direct.Context) (any, error) { <-c.Done(); return nil, c.Err() },
		"cancels": func(c *direct.Context) (any, error) {
			return nil, &engine.TaskError{Kind: engine.KindCanceled, Message: "oh"}
		},
		"calls": func(c *direct.Context) (any, error) { return c.CallTasks(engine.TaskCall{ID: "tool"}) },
	} {
		task := direct.Func(h, name, func(c *direct.Context, _ json.RawMessage) (any, error) { return f(c) })
		if name == "hangs" {
			task.Timeout = engine.Duration(10 * time.Millisecond)
		}
		if name == "fails" {
			task.Retry = &engine.Retry{Max: 2}
		}
		s := engine.Spec{Name: name, Tasks: []engine.Task{task}}
		if name == "calls" {
			s.Tasks[0].Tools = []string{"tool"}
			s.Tasks = append(s.Tasks, tool)
		}
		runOn(t, tel, h, &s)
	}
	got := scrape(t, tel)
	got.want(t, map[string]float64{
		"attempts_total handler=direct,outcome=succeeded":         3, // fine, the tool, and who called it
		"attempts_total handler=direct,outcome=called":            1,
		"attempts_total handler=direct,kind=error,outcome=failed": 3,
		"attempts_total handler=direct,kind=other,outcome=failed": 1,
		"attempts_total handler=direct,kind=panic,outcome=failed": 1,
		"attempts_total handler=direct,outcome=timed_out":         1,
		"attempts_total handler=direct,outcome=canceled":          1,
		"retries_total handler=direct":                            2,
		"attempt_seconds handler=direct":                          11,
		"task_wait_seconds handler=direct":                        11,
		"runs_begun_total":                                        7,
		"run_seconds":                                             7,
		"build_info go_version=" + runtime.Version():              1,
	})
	if sum := got["graflow_wasm_attempt_seconds"].GetMetric()[0].GetHistogram().GetSampleSum(); sum < 0.01 || sum > 60 {
		t.Errorf("attempts took %g s in all, of which one was ended after 0.01", sum)
	}
}

// runOn runs a flow to its end on an engine of its own.
func runOn(t *testing.T, tel *telemetry.Telemetry, h *direct.Handler, s *engine.Spec) engine.Outcome {
	t.Helper()
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: tel.Engine()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	out, err := e.Run(t.Context(), g, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEngineMetrics are read from an engine, those of runs by status.
func TestEngineMetrics(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, telemetry.Config{})
	h := direct.New()
	started, end := make(chan struct{}, 1), make(chan struct{})
	task := direct.Func(h, "waits", func(c *direct.Context, _ json.RawMessage) (any, error) {
		started <- struct{}{}
		select {
		case <-end:
			return 1, nil
		case <-c.Done():
			return nil, c.Err()
		}
	})
	g, err := (&engine.Spec{Name: "waits", Tasks: []engine.Task{task}}).Build()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: tel.Engine()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	tel.Watch(e, nil, ops.Service{})
	begin := func() *engine.Running {
		o, err := e.Start(t.Context(), g, engine.Start{})
		if err != nil {
			t.Fatal(err)
		}
		<-started
		return o
	}
	o := begin()
	scrape(t, tel).want(t, map[string]float64{"attempts_running": 1, "runs_driven": 1, "runs_ended_total status=succeeded": 0})
	if err := o.Cancel("enough"); err != nil {
		t.Fatal(err)
	}
	<-o.Done()
	o = begin()
	close(end)
	<-o.Done()
	scrape(t, tel).want(t, map[string]float64{
		"attempts_running": 0, "runs_driven": 0, "runs_ended_total status=succeeded": 1, "runs_ended_total status=canceled": 1, "runs_ended_total status=failed": 0,
		"attempts_total handler=direct,outcome=stopped": 1,
	})
}

// TestNothing is what a nil Telemetry does.
func TestNothing(t *testing.T) {
	t.Parallel()
	var tel *telemetry.Telemetry
	if p := tel.Engine(); p.Ended != nil || p.Begin != nil || p.Submit != nil || p.Finished != nil {
		t.Error("an engine tells a probe of nobody")
	}
	if p := tel.Host(); p.Called != nil || p.Follows != nil {
		t.Error("a host tells a probe of nobody")
	}
	tel.Watch(nil, nil, ops.Service{})
	tel.Published(time.Second, nil)
	if err := tel.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
