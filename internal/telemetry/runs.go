package telemetry

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/graflow/graflow-wasm/engine"
)

// runs count beginnings and ends of runs. Those of several engines add up.
type runs struct {
	begun atomic.Uint64
	took  *latency
}

var (
	begunTotal = desc("runs_begun_total", "Runs that were begun in this process, whoever drives them.")
	runSeconds = desc("run_seconds", "Time from the beginning of a run, or its retry, to its end, of runs that this process has driven.")
)

// Describe implements prometheus.Collector.
func (r *runs) Describe(ch chan<- *prometheus.Desc) { ch <- begunTotal; ch <- runSeconds }

// Collect implements prometheus.Collector.
func (r *runs) Collect(ch chan<- prometheus.Metric) {
	ch <- constant(begunTotal, prometheus.CounterValue, float64(r.begun.Load()))
	ch <- r.took.metric(runSeconds)
}

func (r *runs) submit(_ context.Context, _, _, trace string) (string, func(error)) {
	return trace, r.submitted
}

func (r *runs) submitted(err error) {
	if err == nil {
		r.begun.Add(1)
	}
}

func (r *runs) finished(f engine.Finished) { r.took.observe(f.Ended.Sub(f.Started)) }
