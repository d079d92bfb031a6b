package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sendCounts count spans.
type sendCounts struct{ sent, failed atomic.Uint64 }

// sayEvery is how often it is logged that spans can't be sent.
const sayEvery = time.Minute

func newSending(exporter sdktrace.SpanExporter, logger *slog.Logger) *sending {
	return &sending{exporter: exporter, logger: logger}
}

// ExportSpans implements sdktrace.SpanExporter. What can't be sent is counted, and
// logged now and then; it is nobody's failure.
func (s *sending) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := s.exporter.ExportSpans(ctx, spans)
	if err == nil {
		s.counts.sent.Add(uint64(len(spans)))
		return nil
	}
	s.counts.failed.Add(uint64(len(spans)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.said) >= sayEvery {
		s.said = time.Now()
		s.logger.Warn("send traces", "spans", len(spans), "err", err)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (s *sending) Shutdown(ctx context.Context) error { return s.exporter.Shutdown(ctx) }

var (
	spansSent   = desc("trace_spans_total", "Spans that were sent.")
	spansFailed = desc("trace_spans_failed_total", "Spans that could not be sent.")
)

// Describe implements prometheus.Collector.
func (s *sending) Describe(ch chan<- *prometheus.Desc) { ch <- spansSent; ch <- spansFailed }

// Collect implements prometheus.Collector.
func (s *sending) Collect(ch chan<- prometheus.Metric) {
	ch <- constant(spansSent, prometheus.CounterValue, float64(s.counts.sent.Load()))
	ch <- constant(spansFailed, prometheus.CounterValue, float64(s.counts.failed.Load()))
}
