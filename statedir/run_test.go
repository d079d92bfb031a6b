package statedir_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/statedir"
)

// adder is a graph of a group of three chains, each of which adds to a key, then
// a task that reads it.
func adder(t *testing.T) (*engine.Graph, *direct.Handler) {
	t.Helper()
	h := direct.New()
	direct.Func(h, "add", func(c *direct.Context, n int) (int, error) { return n + 1, c.Add("sum", 1) })
	direct.Func(h, "read", func(c *direct.Context, _ json.RawMessage) (sum int, err error) {
		_, err = c.Get("sum", &sum)
		return sum, err
	})
	task := func(id, f string) engine.Task {
		return engine.Task{ID: id, Spec: json.RawMessage(fmt.Sprintf(`{"func":%q}`, f))}
	}
	var members []engine.Node
	for m := range 3 {
		var chain []engine.Node
		for i := range 20 {
			chain = append(chain, task(fmt.Sprintf("m%d-%d", m, i), "add"))
		}
		members = append(members, engine.Seq(chain...))
	}
	s := engine.Spec{Name: "adder"}
	s.Connect(engine.Seq(engine.Par(members...), task("end", "read")))
	g, err := s.Build()
	check(t, err)
	return g, h
}

func runAdder(t *testing.T, b *engine.Backend, id string) engine.Outcome {
	t.Helper()
	g, h := adder(t)
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: b, Retain: true})
	check(t, err)
	defer e.Close()
	r, err := e.Start(t.Context(), g, engine.Start{ID: id, Input: json.RawMessage("0")})
	check(t, err)
	out, err := r.Wait(t.Context())
	check(t, err)
	return out
}

// TestRun runs a graph over a directory. Another process that folds the journal
// comes to the same outcome, and at each event to the same as if there were no
// more: nothing that the engine needs is missing from what was stored.
func TestRun(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, err := statedir.Open(path, statedir.Config{SegmentSize: 4000})
	check(t, err)
	want := runAdder(t, d.Backend(), "r")
	if want.Status != engine.StatusSucceeded || string(want.Output) != "60" {
		t.Fatalf("the run ended %+v", want)
	}
	d = reopen(t, d, path, statedir.Config{})
	defer d.Close()
	events, err := statedir.ReadAll(t.Context(), d.Backend().Journal, "r", 0)
	check(t, err)
	g, _ := adder(t)
	run := engine.NewRun("r", g, nil)
	enqueued, finished := map[string]bool{}, 0
	for _, e := range events {
		if e.Type == engine.EventCompleted && !enqueued[e.Activation] {
			t.Errorf("%s completed, but no event before has made it ready", e.Activation)
		}
		run.Apply(e)
		for _, c := range run.Decide() {
			switch c.Kind {
			case engine.CommandEnqueue:
				enqueued[c.Delivery.Activation] = true
			case engine.CommandFinish:
				finished++
			}
		}
	}
	if finished != 1 || len(enqueued) != 61 {
		t.Errorf("finished %d times after %d activations, want once after 61", finished, len(enqueued))
	}
	got, _ := json.Marshal(run.Outcome())
	if want, _ := json.Marshal(want); string(got) != string(want) {
		t.Errorf("the fold's outcome is\n%s\nwant\n%s", got, want)
	}
}

// chainOf is a graph of n tasks that do nothing, one after the other.
func chainOf(b *testing.B, n int) (*engine.Graph, *direct.Handler) {
	b.Helper()
	h := direct.New()
	direct.Func(h, "noop", func(_ *direct.Context, in json.RawMessage) (json.RawMessage, error) { return json.RawMessage("1"), nil })
	nodes := make([]engine.Node, n)
	for i := range nodes {
		nodes[i] = engine.Task{ID: fmt.Sprintf("t%d", i), Spec: json.RawMessage(`{"func":"noop"}`)}
	}
	s := engine.Spec{Name: "bench", Limits: engine.RunLimits{MaxSteps: n + 1}}
	s.Connect(engine.Seq(nodes...))
	g, err := s.Build()
	check(b, err)
	return g, h
}

// BenchmarkChain is BenchmarkChain/1000 of package engine, over each backend.
func BenchmarkChain(b *testing.B) {
	const n = 1000
	g, h := chainOf(b, n)
	for _, c := range []struct {
		name string
		open func(b *testing.B) *engine.Backend
	}{
		{"memory", func(*testing.B) *engine.Backend { return engine.InMemory() }},
		{"always", func(b *testing.B) *engine.Backend {
			b.Helper()
			return openDir(b, b.TempDir(), statedir.Config{}).Backend()
		}},
		{"interval", func(b *testing.B) *engine.Backend {
			b.Helper()
			return openDir(b, b.TempDir(), statedir.Config{Sync: statedir.SyncInterval}).Backend()
		}},
		{"never", func(b *testing.B) *engine.Backend {
			b.Helper()
			return openDir(b, b.TempDir(), statedir.Config{Sync: statedir.SyncNever}).Backend()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: c.open(b)})
			check(b, err)
			defer e.Close()
			b.ReportAllocs()
			for b.Loop() {
				out, err := e.Run(context.Background(), g, nil)
				if err != nil || out.Status != engine.StatusSucceeded {
					b.Fatal(err, out.Error)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
