//go:build unix

package telemetry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/telemetry"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// variants are what telemetry is measured with, beside none.
var variants = []struct {
	name, sampler, ratio string
	traces               bool
}{
	{name: "metrics"},
	{name: "traces-none", traces: true, sampler: "parentbased_traceidratio", ratio: "0"},
	{name: "traces-1pct", traces: true, sampler: "parentbased_traceidratio", ratio: "0.01"},
	{name: "traces-all", traces: true, sampler: "always_on"},
}

// each is how many tasks or calls a run has.
const each = 10_000

// compare runs with and without telemetry in turn, and reports what it costs: the
// median of the ratios of neighbors, since a machine is quick now and slow then.
func compare(b *testing.B, off, on func()) {
	b.Helper()
	off()
	on()
	var ratios, offs []float64
	var sumOff, sumOn float64
	for b.Loop() {
		was := timed(off)
		with := timed(on)
		ratios, offs = append(ratios, with/was), append(offs, was)
		sumOff, sumOn = sumOff+was, sumOn+with
	}
	b.ReportMetric(100*(median(ratios)-1), "overhead-%")
	b.ReportMetric(100*(sumOn/sumOff-1), "mean-overhead-%") // with the few runs that are sampled
	b.ReportMetric(median(offs)*1e9/each, "off-ns/task")
	b.ReportMetric(median(offs)*median(ratios)*1e9/each, "on-ns/task")
}

// timed is the processors' time that f takes, in seconds: what else the machine does
// does not count.
func timed(f func()) float64 {
	began := processors()
	f()
	return processors() - began
}

func processors() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// collector takes spans and forgets them.
func collector(b *testing.B) string {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(s.Close)
	return s.URL
}

// BenchmarkNoop is a chain of no-op Go functions: the engine's cost of a task is all
// that there is, so that this is what telemetry costs at most.
func BenchmarkNoop(b *testing.B) {
	for _, v := range variants {
		b.Run(v.name, func(b *testing.B) {
			off, on := noopChain(b, each, nil), noopChain(b, each, benchTelemetry(b, v.traces, v.sampler, v.ratio))
			compare(b, off, on)
		})
	}
}

func benchTelemetry(b *testing.B, traces bool, sampler, ratio string) *telemetry.Telemetry {
	b.Helper()
	c := telemetry.Config{}
	if traces {
		b.Setenv("OTEL_TRACES_SAMPLER", sampler)
		b.Setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
		c.Traces = &telemetry.Traces{Endpoint: collector(b)}
	}
	t, err := telemetry.New(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = t.Close(context.Background()) })
	return t
}

// noopChain returns what runs a chain of n tasks.
func noopChain(b *testing.B, n int, t *telemetry.Telemetry) func() {
	b.Helper()
	h := direct.New()
	direct.Func(h, "noop", func(*direct.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage("1"), nil })
	nodes := make([]engine.Node, n)
	for i := range nodes {
		nodes[i] = engine.Task{ID: fmt.Sprintf("t%d", i), Spec: json.RawMessage(`{"func":"noop"}`)}
	}
	s := engine.Spec{Name: "bench", Limits: engine.RunLimits{MaxSteps: n + 1}}
	s.Connect(engine.Seq(nodes...))
	g, err := s.Build()
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: t.Engine()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	return func() {
		if out, err := e.Run(context.Background(), g, nil); err != nil || out.Status != engine.StatusSucceeded {
			b.Fatal(err, out.Error)
		}
	}
}

// BenchmarkPristine calls a small module in a sandbox from the pool.
func BenchmarkPristine(b *testing.B) {
	for _, v := range variants {
		b.Run(v.name, func(b *testing.B) {
			off, on := pristine(b, nil), pristine(b, benchTelemetry(b, v.traces, v.sampler, v.ratio))
			compare(b, off, on)
		})
	}
}

// tinyModule has a page of memory and a task f, which returns 0 at once.
var tinyModule = []byte("\x00asm\x01\x00\x00\x00" + // what it is
	"\x01\x05\x01\x60\x00\x01\x7f" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" + // a type, a function of it, a memory
	"\x07\x05\x01\x01f\x00\x00" + "\x0a\x06\x01\x04\x00\x41\x00\x0b") // its export, its code

// pristine returns what makes 10 000 calls.
func pristine(b *testing.B, t *telemetry.Telemetry) func() {
	b.Helper()
	h, err := wasmhost.New(b.Context(), wasmhost.Config{Probe: t.Host()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close(context.Background()) })
	m, err := h.Compile(b.Context(), tinyModule)
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	return func() {
		for range each {
			if _, err := m.Call(ctx, "f", nil, wasmhost.Options{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
