package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/graflow/graflow-wasm/engine"
)

// engineMetrics are read from an engine when somebody scrapes.
type engineMetrics struct{ engine *engine.Engine }

var (
	attemptsRunning = desc("attempts_running", "Attempts that run in this process now.")
	staleTotal      = desc("stale_attempts_total", "Attempts whose end was dropped, since their activation had gone on without them.")
	leasesLostTotal = desc("leases_lost_total", "Attempts that were ended since their lease could not be extended.")
	deadTotal       = desc("dead_letters_total", "Deliveries and runs that this process has given up.")
	endedTotal      = desc("runs_ended_total", "Runs that have ended while this process drove them, by status.", "status")
	runsDriven      = desc("runs_driven", "Runs that this process drives now.")
)

// Describe implements prometheus.Collector.
func (m engineMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{attemptsRunning, staleTotal, leasesLostTotal, deadTotal, endedTotal, runsDriven} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m engineMetrics) Collect(ch chan<- prometheus.Metric) {
	c := m.engine.Counts()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- constant(d, prometheus.CounterValue, float64(n), labels...)
	}
	ch <- constant(attemptsRunning, prometheus.GaugeValue, float64(m.engine.Executing()))
	ch <- constant(runsDriven, prometheus.GaugeValue, float64(c.Driven))
	count(staleTotal, c.Stale)
	count(leasesLostTotal, c.LeasesLost)
	count(deadTotal, c.DeadLetters)
	count(endedTotal, c.Succeeded, string(engine.StatusSucceeded))
	count(endedTotal, c.Failed, string(engine.StatusFailed))
	count(endedTotal, c.Canceled, string(engine.StatusCanceled))
}
