package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// journal measures appends to the journal of a cluster.
type journal struct {
	append *latency
	failed atomic.Uint64
}

var (
	appendSeconds = desc("journal_append_seconds", "Time until the cluster had stored an event of a run: the way there and back, and its fsync.")
	appendFailed  = desc("journal_append_failures_total", "Events that the cluster did not store, conflicts apart.")
)

// Describe implements prometheus.Collector.
func (j *journal) Describe(ch chan<- *prometheus.Desc) { ch <- appendSeconds; ch <- appendFailed }

// Collect implements prometheus.Collector.
func (j *journal) Collect(ch chan<- prometheus.Metric) {
	ch <- j.append.metric(appendSeconds)
	ch <- constant(appendFailed, prometheus.CounterValue, float64(j.failed.Load()))
}

func (j *journal) published(took time.Duration, err error) {
	if err != nil {
		j.failed.Add(1)
		return
	}
	j.append.observe(took)
}
