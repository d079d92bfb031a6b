package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// latency is a histogram of durations. To observe one takes no lock and no memory,
// and a fraction of what prometheus.Histogram takes.
type latency struct {
	bounds []int64         // in ns, ascending
	counts []atomic.Uint64 // one more than bounds
	sum    atomic.Int64    // in ns
}

func newLatency(bounds []time.Duration) *latency {
	l := &latency{counts: make([]atomic.Uint64, len(bounds)+1)}
	for _, b := range bounds {
		l.bounds = append(l.bounds, int64(b))
	}
	return l
}

// observe takes a duration; less than 0, as between clocks that differ, is 0.
func (l *latency) observe(d time.Duration) {
	ns := max(0, int64(d))
	i := 0
	for i < len(l.bounds) && ns > l.bounds[i] {
		i++
	}
	l.counts[i].Add(1)
	l.sum.Add(ns)
}

// metric is the histogram as it is now.
func (l *latency) metric(d *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(l.bounds))
	var count uint64
	for i, b := range l.bounds {
		count += l.counts[i].Load()
		buckets[time.Duration(b).Seconds()] = count
	}
	count += l.counts[len(l.bounds)].Load()
	return prometheus.MustNewConstHistogram(d, count, time.Duration(l.sum.Load()).Seconds(), buckets, labels...)
}

const (
	µs = time.Microsecond
	ms = time.Millisecond
)

// The bounds of histograms. Tasks take from microseconds to hours, what the host does
// from microseconds to seconds.
var (
	taskBounds = []time.Duration{
		100 * µs, 250 * µs, 500 * µs, ms, 2500 * µs, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms,
		time.Second, 2500 * ms, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
	}
	hostBounds = []time.Duration{
		µs, 5 * µs, 10 * µs, 25 * µs, 50 * µs, 100 * µs, 250 * µs, 500 * µs, ms, 2500 * µs, 5 * ms, 10 * ms, 25 * ms, 50 * ms,
		100 * ms, 250 * ms, 500 * ms, time.Second, 2500 * ms, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	}
)

// constant is a metric that was just read.
func constant(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, kind, v, labels...)
}

// namespace begins the name of every metric that is our own.
const namespace = "graflow_wasm_"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+name, help, labels, nil)
}
