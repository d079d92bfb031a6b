package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
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

// benchmarkEngine makes a graph of n tasks, and an engine.
func benchmarkEngine(b *testing.B, h *direct.Handler, n int, nodes ...engine.Node) (*engine.Graph, *engine.Engine) {
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
	return g, e
}

// benchmarkRuns runs a graph of n tasks again and again.
func benchmarkRuns(b *testing.B, h *direct.Handler, n int, nodes ...engine.Node) {
	b.Helper()
	g, e := benchmarkEngine(b, h, n, nodes...)
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

// BenchmarkMap maps a no-op over a list.
func BenchmarkMap(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h, task := noopTask()
			t := task("each")
			t.Map = fmt.Sprintf("1..%d", n)
			benchmarkRuns(b, h, n, t)
		})
	}
}

// BenchmarkIterate is one task that asks for itself a million times: what is
// pending is one activation, and so much memory the run holds. heap-B is what the
// heap has grown by when half and when nearly all iterations are done.
func BenchmarkIterate(b *testing.B) {
	const n = 1_000_000
	h := direct.New()
	var before, half, end uint64
	task := direct.Func(h, "t", func(c *direct.Context, _ json.RawMessage) (any, error) {
		switch c.Call.Cycle {
		case 1:
			before = heap()
		case n / 2:
			half = heap()
		case n - 1:
			end = heap()
		case n:
			return nil, nil
		}
		return nil, c.NextIteration(c.Call.Cycle)
	})
	unlimited := 0
	task.MaxCycles = &unlimited
	b.ResetTimer()
	for b.Loop() {
		benchmarkOnce(b, h, n, task)
	}
	b.ReportMetric(float64(int64(half)-int64(before)), "half-heap-B")
	b.ReportMetric(float64(int64(end)-int64(before)), "end-heap-B")
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
}

func benchmarkOnce(b *testing.B, h *direct.Handler, n int, nodes ...engine.Node) {
	b.Helper()
	g, e := benchmarkEngine(b, h, n, nodes...)
	defer e.Close()
	out, err := e.Run(context.Background(), g, nil)
	if err != nil || out.Status != engine.StatusSucceeded || out.Steps != n {
		b.Fatal(err, out.Status, out.Error, out.Steps)
	}
}

// BenchmarkCalls is a task that calls a no-op Go function, in turn or at once: what it
// costs beside a chain of as many tasks. In turn the caller is executed once more for
// each call.
func BenchmarkCalls(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprint("in turn/", n), func(b *testing.B) { benchmarkCalls(b, n, 1) })
	}
	for _, n := range []int{10, 100, 1_000} {
		b.Run(fmt.Sprint("at once/", n), func(b *testing.B) { benchmarkCalls(b, 1, n) })
	}
	h, task := noopTask()
	for _, n := range []int{1, 10, 100, 1_000} {
		b.Run(fmt.Sprint("chain/", n+1), func(b *testing.B) {
			nodes := make([]engine.Node, n+1)
			for i := range nodes {
				nodes[i] = task(fmt.Sprintf("t%d", i))
			}
			benchmarkRuns(b, h, n+1, engine.Seq(nodes...))
		})
	}
}

func benchmarkCalls(b *testing.B, rounds, atOnce int) {
	b.Helper()
	h, task := noopTask()
	agent := direct.Func(h, "agent", func(c *direct.Context, _ json.RawMessage) (any, error) {
		calls := make([]engine.TaskCall, atOnce)
		for round := range rounds {
			for i := range calls {
				calls[i] = engine.TaskCall{ID: "tool", Input: json.RawMessage(strconv.Itoa(round))}
			}
			if _, err := c.CallTasks(calls...); err != nil {
				return nil, err
			}
		}
		return 1, nil
	})
	agent.Tools = []string{"tool"}
	s := engine.Spec{Name: "bench", Limits: engine.RunLimits{MaxSteps: rounds*atOnce + 1}, Tasks: []engine.Task{agent, task("tool")}}
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
		if err != nil || out.Status != engine.StatusSucceeded || out.Steps != rounds*atOnce+1 {
			b.Fatal(err, out.Status, out.Error, out.Steps)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rounds*atOnce), "ns/call")
}
