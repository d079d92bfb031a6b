package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// sandbox counts what sandbox hosts do.
type sandbox struct {
	compile       *latency
	compileFailed atomic.Uint64
	start         []*latency // by source
	reset         *latency
	thrown        atomic.Uint64
	fuel          atomic.Uint64
	calls         [len(calls)]atomic.Uint64
	memory        sizes
}

func newSandbox() *sandbox {
	s := &sandbox{compile: newLatency(hostBounds), reset: newLatency(hostBounds)}
	for range wasmhost.Sources() {
		s.start = append(s.start, newLatency(hostBounds))
	}
	return s
}

func (s *sandbox) probe() wasmhost.Probe {
	return wasmhost.Probe{
		Compiled: func(took time.Duration, err error) {
			s.compile.observe(took)
			if err != nil {
				s.compileFailed.Add(1)
			}
		},
		Started: func(from wasmhost.Source, took time.Duration) { s.start[from].observe(took) },
		Reset: func(took time.Duration, ok bool) {
			s.reset.observe(took)
			if !ok {
				s.thrown.Add(1)
			}
		},
		Called: func(l wasmhost.Ledger, kind string) {
			s.calls[callIndex(kind)].Add(1)
			s.fuel.Add(uint64(max(0, l.Fuel)))
			s.memory.observe(l.PeakMemory)
		},
	}
}

// sizes is a histogram of bytes, by powers of four from 64 KiB to 4 GiB.
type sizes struct {
	counts [len(sizeBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

var sizeBounds = [...]int64{1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30, 1 << 32}

func (s *sizes) observe(n int64) {
	i := 0
	for i < len(sizeBounds) && n > sizeBounds[i] {
		i++
	}
	s.counts[i].Add(1)
	s.sum.Add(n)
}

func (s *sizes) metric(d *prometheus.Desc) prometheus.Metric {
	buckets := make(map[float64]uint64, len(sizeBounds))
	var count uint64
	for i, b := range sizeBounds {
		count += s.counts[i].Load()
		buckets[float64(b)] = count
	}
	count += s.counts[len(sizeBounds)].Load()
	return prometheus.MustNewConstHistogram(d, count, float64(s.sum.Load()), buckets)
}

var (
	compileSeconds = desc("sandbox_compile_seconds", "Time to admit and compile a module, or to refuse it.")
	compileFailed  = desc("sandbox_compile_failures_total", "Modules that were refused, or could not be compiled.")
	startSeconds   = desc("sandbox_start_seconds", "Time until a call had its sandbox: from the pool of idle ones, a new one on a snapshot, or initialized anew.", "source")
	resetSeconds   = desc("sandbox_reset_seconds", "Time to make a sandbox pristine after a call.")
	thrownTotal    = desc("sandbox_discarded_total", "Sandboxes that could not be made pristine, and were thrown away.")
	fuelTotal      = desc("sandbox_fuel_total", "Instructions that guests were charged.")
	callsTotal     = desc("sandbox_calls_total", "Calls of modules by how they ended: ok, or the kind of their error.", "kind")
	peakBytes      = desc("sandbox_peak_memory_bytes", "Linear memory of calls at their peak.")
)

// Describe implements prometheus.Collector.
func (s *sandbox) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{compileSeconds, compileFailed, startSeconds, resetSeconds, thrownTotal, fuelTotal, callsTotal, peakBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (s *sandbox) Collect(ch chan<- prometheus.Metric) {
	ch <- s.compile.metric(compileSeconds)
	ch <- constant(compileFailed, prometheus.CounterValue, float64(s.compileFailed.Load()))
	for _, from := range wasmhost.Sources() {
		ch <- s.start[from].metric(startSeconds, from.String())
	}
	ch <- s.reset.metric(resetSeconds)
	ch <- constant(thrownTotal, prometheus.CounterValue, float64(s.thrown.Load()))
	ch <- constant(fuelTotal, prometheus.CounterValue, float64(s.fuel.Load()))
	for i, kind := range calls {
		if kind == "" {
			kind = "ok"
		}
		ch <- constant(callsTotal, prometheus.CounterValue, float64(s.calls[i].Load()), kind)
	}
	ch <- s.memory.metric(peakBytes)
}

// hostMetrics are read from a host when somebody scrapes.
type hostMetrics struct{ host *wasmhost.Host }

var (
	modulesCached = desc("sandbox_modules", "Modules that are compiled and at hand.")
	idleSandboxes = desc("sandbox_idle", "Sandboxes that wait for calls.")
	idleBytes     = desc("sandbox_idle_bytes", "Memory that idle sandboxes hold beside what they share.")
	memoryBytes   = desc("sandbox_memory_bytes", "Linear memories and snapshots of all sandboxes.")
)

// Describe implements prometheus.Collector.
func (m hostMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{modulesCached, idleSandboxes, idleBytes, memoryBytes} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m hostMetrics) Collect(ch chan<- prometheus.Metric) {
	s := m.host.Stats()
	for d, v := range map[*prometheus.Desc]float64{
		modulesCached: float64(s.Modules), idleSandboxes: float64(s.Idle), idleBytes: float64(s.IdleBytes), memoryBytes: float64(s.MemoryBytes),
	} {
		ch <- constant(d, prometheus.GaugeValue, v)
	}
}
