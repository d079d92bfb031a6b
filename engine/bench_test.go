package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// noopTask returns a handler with one function that does nothing, and a maker
// of tasks that call it.
func noopTask() (*direct.Handler, func(id string) engine.Task) {
	h := direct.New()
	direct.Func(h, "noop", func(_ *direct.Context, in json.RawMessage) (json.RawMessage, error) { return json.RawMessage("1"), nil })
	return h, func(id string) engine.Task { return engine.Task{ID: id, Spec: json.RawMessage(`{"func":"noop"}`)} }
}

// benchmarkRuns runs a graph of n tasks again and again.
func benchmarkRuns(b *testing.B, h *direct.Handler, n int, nodes ...engine.Node) {
	b.Helper()
	s := engine.Spec{Name: "bench", Limits: engine.RunLimits{MaxSteps: n + 1}}
	s.Connect(nodes...)
	g, err := s.Build()
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	b.ReportAllocs()
	for b.Loop() {
		out, err := e.Run(context.Background(), g, nil)
		if err != nil || out.Status != engine.StatusSucceeded || out.Steps != n {
			b.Fatal(err, out.Status, out.Error, out.Steps)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkChain is a chain of no-op Go functions: the engine's own cost a task.
func BenchmarkChain(b *testing.B) {
	h, task := noopTask()
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			nodes := make([]engine.Node, n)
			for i := range nodes {
				nodes[i] = task(fmt.Sprintf("t%d", i))
			}
			benchmarkRuns(b, h, n, engine.Seq(nodes...))
		})
	}
}

// BenchmarkGroup is one group of no-op members: each commits on its own chain,
// the last releases the barrier.
func BenchmarkGroup(b *testing.B) {
	h, task := noopTask()
	const n = 10_000
	nodes := make([]engine.Node, n)
	for i := range nodes {
		nodes[i] = task(fmt.Sprintf("t%d", i))
	}
	benchmarkRuns(b, h, n, engine.Par(nodes...))
}

// BenchmarkDiamonds is a ladder of diamonds: a join every third task.
func BenchmarkDiamonds(b *testing.B) {
	h, task := noopTask()
	const rungs = 10_000
	var nodes []engine.Node
	for i := range rungs {
		top, next := task(fmt.Sprintf("t%d", i)), task(fmt.Sprintf("t%d", i+1))
		nodes = append(nodes,
			engine.Seq(top, task(fmt.Sprintf("l%d", i)), next),
			engine.Seq(top, task(fmt.Sprintf("r%d", i)), next))
	}
	benchmarkRuns(b, h, 3*rungs+1, nodes...)
}

// BenchmarkMap maps a no-op over a list of 10 000 items.
func BenchmarkMap(b *testing.B) {
	h, task := noopTask()
	const n = 10_000
	t := task("each")
	t.Map = "1..10000"
	benchmarkRuns(b, h, n, t)
}
