package natsbus_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// benchEngine is an engine that owns and works, on a server in this process with
// its files and the durability given.
func benchEngine(b *testing.B, durability embedded.Sync, concurrency int) (*engine.Engine, *direct.Handler) {
	b.Helper()
	server, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir(), Sync: durability})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Shutdown)
	bus, err := natsbus.Open(b.Context(), natsbus.Config{Connect: server.Connect})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bus.Close)
	if err := bus.Setup(b.Context()); err != nil {
		b.Fatal(err)
	}
	h := direct.New()
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: bus.Backend(), Concurrency: concurrency,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	if err := e.Join(); err != nil {
		b.Fatal(err)
	}
	return e, h
}

func nothing(h *direct.Handler) engine.Task {
	return direct.Func(h, "nothing", func(*direct.Context, json.RawMessage) (any, error) { return nil, nil })
}

// wide is a group of n tasks that do nothing.
func wide(b *testing.B, task engine.Task, n int) *engine.Graph {
	b.Helper()
	var members []engine.Node
	for i := range n {
		t := task
		t.Spec = json.RawMessage(`{"func":"` + task.ID + `"}`)
		t.ID = fmt.Sprint("m", i)
		members = append(members, t)
	}
	g, err := engine.NewGraph("wide", engine.Par(members...))
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func long(b *testing.B, task engine.Task, n int) *engine.Graph {
	b.Helper()
	var steps []engine.Node
	for i := range n {
		t := task
		t.Spec = json.RawMessage(`{"func":"` + task.ID + `"}`)
		t.ID = fmt.Sprint("s", i)
		steps = append(steps, t)
	}
	g, err := engine.NewGraph("long", engine.Seq(steps...))
	if err != nil {
		b.Fatal(err)
	}
	return g
}

func mustRun(b *testing.B, e *engine.Engine, g *engine.Graph) {
	b.Helper()
	out, err := e.Run(b.Context(), g, nil)
	if err != nil || out.Status != engine.StatusSucceeded {
		b.Errorf("outcome %+v, error %v", out, err)
	}
}

// BenchmarkWide is a group of 2 000 tasks that do nothing, journaled and
// acknowledged.
func BenchmarkWide(b *testing.B) {
	for _, durability := range []embedded.Sync{"", embedded.SyncAlways} {
		b.Run("sync="+name(durability), func(b *testing.B) {
			const width = 2000
			e, h := benchEngine(b, durability, 64)
			g := wide(b, nothing(h), width)
			for b.Loop() {
				mustRun(b, e, g)
			}
			b.ReportMetric(float64(b.N)*width/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

// BenchmarkRuns are runs of three steps, 64 at a time.
func BenchmarkRuns(b *testing.B) {
	e, h := benchEngine(b, "", 64)
	g := long(b, nothing(h), 3)
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			mustRun(b, e, g)
		}
	})
	b.ReportMetric(float64(b.N)*3/b.Elapsed().Seconds(), "tasks/s")
}

// benchFar is an owner beside its server, and a worker that reaches that over
// loopback: it knows of a run what it reads of its log.
func benchFar(b *testing.B, concurrency int) (*engine.Engine, *direct.Handler) {
	b.Helper()
	server, err := embedded.Start(b.Context(), embedded.Config{
		Dir: b.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), Users: []embedded.User{{Name: "worker", All: true}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Shutdown)
	h := direct.New()
	join := func(part engine.Part, connect func(...nats.Option) (*nats.Conn, error)) *engine.Engine {
		bus, err := natsbus.Open(b.Context(), natsbus.Config{Connect: connect})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(bus.Close)
		if err := bus.Setup(b.Context()); err != nil {
			b.Fatal(err)
		}
		e, err := engine.New(engine.Config{
			Handlers: map[string]engine.Handler{"direct": h}, Backend: bus.Backend(), Concurrency: concurrency, Part: part,
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
	owner := join(engine.PartOwner, server.Connect)
	join(engine.PartWorker, natsbus.Dial(natsbus.DialConfig{URL: server.ClientURL(), NKey: server.Credentials("worker")}))
	return owner, h
}

// BenchmarkFarWide is a group of 2 000 tasks that do nothing, executed elsewhere.
func BenchmarkFarWide(b *testing.B) {
	const width = 2000
	e, h := benchFar(b, 64)
	g := wide(b, nothing(h), width)
	for b.Loop() {
		mustRun(b, e, g)
	}
	b.ReportMetric(float64(b.N)*width/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkFarRuns are runs of three steps, 64 at a time, executed elsewhere.
func BenchmarkFarRuns(b *testing.B) {
	e, h := benchFar(b, 64)
	g := long(b, nothing(h), 3)
	b.SetParallelism(32)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			mustRun(b, e, g)
		}
	})
	b.ReportMetric(float64(b.N)*3/b.Elapsed().Seconds(), "tasks/s")
}

// BenchmarkFarFlow is one run of three steps after the other, executed elsewhere.
func BenchmarkFarFlow(b *testing.B) {
	e, h := benchFar(b, 8)
	g := long(b, nothing(h), 3)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		mustRun(b, e, g)
		took = append(took, time.Since(began))
	}
	report(b, took)
}

// BenchmarkFlow is one run of three steps after the other: submit to result.
func BenchmarkFlow(b *testing.B) {
	e, h := benchEngine(b, "", 8)
	g := long(b, nothing(h), 3)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		mustRun(b, e, g)
		took = append(took, time.Since(began))
	}
	report(b, took)
}

// BenchmarkStart is the time from a task's readiness to its begin, at 100 tasks a
// second.
func BenchmarkStart(b *testing.B) {
	var mu sync.Mutex
	var took []time.Duration
	e, h := benchEngine(b, "", 8)
	ready := map[string]time.Time{}
	task := direct.Func(h, "begin", func(c *direct.Context, _ json.RawMessage) (any, error) {
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		took = append(took, now.Sub(ready[c.Call.Run]))
		return nil, nil
	})
	g := long(b, task, 1)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var all sync.WaitGroup
	n := 0
	for b.Loop() {
		<-tick.C
		n++
		id := fmt.Sprint("r", n)
		mu.Lock()
		ready[id] = time.Now()
		mu.Unlock()
		o, err := e.Start(b.Context(), g, engine.Start{ID: id})
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() { _, _ = o.Wait(b.Context()) })
	}
	all.Wait()
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	if len(took) == 0 {
		return
	}
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
}

func name(s embedded.Sync) string {
	if s == "" {
		return "default"
	}
	return string(s)
}
