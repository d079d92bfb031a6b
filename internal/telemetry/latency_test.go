package telemetry

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/graflow/graflow-wasm/engine"
)

// TestLatencyIsAHistogram compares it with the one of the Prometheus client.
func TestLatencyIsAHistogram(t *testing.T) {
	t.Parallel()
	var bounds []float64
	for _, b := range taskBounds {
		bounds = append(bounds, b.Seconds())
	}
	want := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "want", Buckets: bounds})
	l := newLatency(taskBounds)
	for _, d := range []time.Duration{-time.Second, 0, 1, 100 * µs, 100*µs + 1, time.Second, time.Second, time.Hour, 2 * time.Hour} {
		l.observe(d)
		want.Observe(max(0, d).Seconds())
	}
	var a, b dto.Metric
	if err := want.Write(&a); err != nil {
		t.Fatal(err)
	}
	if err := l.metric(commitSeconds).Write(&b); err != nil {
		t.Fatal(err)
	}
	if got, want := b.GetHistogram(), a.GetHistogram(); got.GetSampleCount() != want.GetSampleCount() || math.Abs(got.GetSampleSum()-want.GetSampleSum()) > 1e-9 {
		t.Errorf("got %v, want %v", got, want)
	}
	for i, want := range a.GetHistogram().GetBucket() {
		if got := b.GetHistogram().GetBucket()[i]; got.GetUpperBound() != want.GetUpperBound() || got.GetCumulativeCount() != want.GetCumulativeCount() {
			t.Errorf("bucket %d: got %v, want %v", i, got, want)
		}
	}
}

// TestEndedTakesNoMemory: neither do attempts that no trace follows.
func TestEndedTakesNoMemory(t *testing.T) { //nolint:paralleltest // it counts allocations
	a, d, e := newAttempts(), &engine.Delivery{Task: &engine.Task{ID: "t"}, Attempt: 1}, &engine.Event{Type: engine.EventCompleted, Started: time.Now(), Time: time.Now()}
	if n := testing.AllocsPerRun(1000, func() { a.ended(d, e) }); n > 0 {
		t.Errorf("an attempt takes %g allocations to be counted", n)
	}
	if got := a.of(d.Task).outcomes[succeeded].Load(); got != 1001 {
		t.Errorf("%d attempts have succeeded, want 1001", got)
	}
	tr := &tracer{}
	c := &engine.Call{Run: "r", Task: d.Task, Trace: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-00"}
	if n := testing.AllocsPerRun(1000, func() { tr.begin(t.Context(), c) }); n > 0 {
		t.Errorf("an attempt that is not followed takes %g allocations", n)
	}
}

// TestHandlersAreBounded counts those beyond the bound as one.
func TestHandlersAreBounded(t *testing.T) {
	t.Parallel()
	a := newAttempts()
	for i := range 2 * maxHandlers {
		a.ended(&engine.Delivery{Task: &engine.Task{Handler: "h" + string(rune('0'+i))}}, &engine.Event{Type: engine.EventCompleted})
	}
	known := *a.known.Load()
	if len(known) != maxHandlers+1 || known[other].outcomes[succeeded].Load() != maxHandlers {
		t.Errorf("%d handlers are told apart, %d attempts are of others", len(known), known[other].outcomes[succeeded].Load())
	}
}

func BenchmarkEnded(b *testing.B) {
	a, d, e := newAttempts(), &engine.Delivery{Task: &engine.Task{ID: "t"}, Attempt: 1}, &engine.Event{Type: engine.EventCompleted, Started: time.Now(), Time: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		a.ended(d, e)
	}
}
