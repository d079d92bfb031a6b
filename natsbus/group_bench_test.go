package natsbus_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// BenchmarkGroup is a group of 10 000 tasks that do nothing over three processes'
// worth of engines: one drives the run, all three execute. stored/task counts the
// messages of runs and of tickets.
func BenchmarkGroup(b *testing.B) {
	const width = 10_000
	server, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Shutdown)
	var (
		first *engine.Engine
		bus   *natsbus.Bus
		task  engine.Task
	)
	for i := range 3 {
		h := direct.New()
		task = nothing(h)
		on := openBus(b, server)
		part := engine.PartWorker
		if i == 0 {
			part, bus = engine.PartBoth, on
		}
		e := joined(b, on, h, part, 32)
		if i == 0 {
			first = e
		}
	}
	g := wide(b, task, width)
	before := stored(b, bus)
	for b.Loop() {
		mustRun(b, first, g)
	}
	b.ReportMetric(float64(b.N)*width/b.Elapsed().Seconds(), "tasks/s")
	b.ReportMetric((stored(b, bus)-before)/float64(b.N)/width, "stored/task")
}

// BenchmarkBarrier is the time from the end of a group's last member to the begin of
// the task behind the barrier.
func BenchmarkBarrier(b *testing.B) {
	e, h := benchEngine(b, "", 16)
	var last atomic.Int64
	var took []time.Duration
	direct.Func(h, "member", func(*direct.Context, json.RawMessage) (any, error) {
		last.Store(time.Now().UnixNano())
		return nil, nil
	})
	direct.Func(h, "after", func(*direct.Context, json.RawMessage) (any, error) {
		took = append(took, time.Since(time.Unix(0, last.Load())))
		return nil, nil
	})
	var members []engine.Node
	for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		members = append(members, engine.Task{ID: id, Spec: json.RawMessage(`{"func":"member"}`)})
	}
	g, err := engine.NewGraph("barrier", engine.Seq(engine.Par(members...), engine.Task{ID: "after"}))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		mustRun(b, e, g)
	}
	report(b, took)
}

func openBus(b *testing.B, server *embedded.Server) *natsbus.Bus {
	b.Helper()
	bus, err := natsbus.Open(b.Context(), natsbus.Config{Connect: server.Connect})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bus.Close)
	if err := bus.Setup(b.Context()); err != nil {
		b.Fatal(err)
	}
	return bus
}

func joined(b *testing.B, bus *natsbus.Bus, h *direct.Handler, part engine.Part, concurrency int) *engine.Engine {
	b.Helper()
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: bus.Backend(), Part: part, Concurrency: concurrency,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	if err := e.Join(); err != nil {
		b.Fatal(err)
	}
	return e
}

// stored is how many messages of runs there are, and of tickets there have been: as
// many as were acknowledged.
func stored(b *testing.B, bus *natsbus.Bus) float64 {
	b.Helper()
	h, err := bus.Health(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	n := 0.0
	for _, s := range h.Streams {
		if s.Name == "GF_RUN" || s.Name == "GF_TASKS" {
			n += float64(s.Last)
		}
	}
	return n
}
