package telemetry

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/graflow/graflow-wasm/engine"
)

// inAttempt is what the context of an attempt tells.
type inAttempt struct {
	run, task, activation string
	attempt               int
	calls                 atomic.Int32 // of the host, that have spans
}

type inAttemptKey struct{}

func newInAttempt(c *engine.Call) *inAttempt {
	return &inAttempt{run: c.Run, task: c.Task.ID, activation: c.Activation, attempt: c.Attempt}
}

// beginLogged lets the log tell attempts apart that no trace follows.
func beginLogged(ctx context.Context, c *engine.Call) (context.Context, func(engine.Result, error)) {
	return context.WithValue(ctx, inAttemptKey{}, newInAttempt(c)), nil
}

// submit begins the span of a run's beginning. It is a child of the trace that the run
// is given, or of the caller's.
func (t *tracer) submit(ctx context.Context, run, flow, given string) (string, func(error)) {
	if parent := parseTraceparent(given); parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	}
	_, span := t.spans.Start(ctx, "submit "+flow, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("graflow.run", run), attribute.String("graflow.flow", flow)))
	return traceparent(span.SpanContext()), func(err error) { end(span, err) }
}

// end ends a span as an error says.
func end(span trace.Span, err error, options ...trace.SpanEndOption) {
	if err != nil {
		span.SetStatus(codes.Error, cut(err.Error()))
	}
	span.End(options...)
}

func cut(text string) string {
	if len(text) > maxText {
		return text[:maxText] + "…"
	}
	return text
}

// ofRun is the context of a run's span, in whatever process. It is one that is not
// sampled if nobody will see it.
func (t *tracer) ofRun(run, given string) trace.SpanContext {
	c := trace.SpanContextConfig{SpanID: runSpan(run), Remote: true}
	if from := parseTraceparent(given); from.IsValid() {
		c.TraceID, c.TraceFlags = from.TraceID(), from.TraceFlags()
	} else {
		c.TraceID = runTrace(run)
		if t.sampler.ShouldSample(sdktrace.SamplingParameters{TraceID: c.TraceID}).Decision == sdktrace.RecordAndSample {
			c.TraceFlags = trace.FlagsSampled
		}
	}
	return trace.NewSpanContext(c)
}

// sampled tells quickly whether a traceparent is one that is to be followed.
func sampled(given string) bool {
	return len(given) != traceparentLength || given[traceparentLength-1]&1 == 1
}

// begin begins the spans of an attempt: of its wait, which is over, and its own.
func (t *tracer) begin(ctx context.Context, c *engine.Call) (context.Context, func(engine.Result, error)) {
	if !sampled(c.Trace) {
		return t.beginQuietly(ctx, c)
	}
	parent := t.ofRun(c.Run, c.Trace)
	if !parent.IsSampled() || !t.runs.take(c.Run) {
		return t.beginQuietly(ctx, c)
	}
	var links []trace.Link
	if caller := parseTraceparent(c.Caller); caller.IsValid() {
		if caller.TraceID() == parent.TraceID() {
			parent = caller
		} else { // it called in a run that this one goes on from
			links = []trace.Link{{SpanContext: caller}}
		}
	}
	ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	about := []attribute.KeyValue{
		attribute.String("graflow.run", c.Run), attribute.String("graflow.flow", c.Flow), attribute.String("graflow.task", c.Task.ID),
		attribute.String("graflow.activation", c.Activation), attribute.Int("graflow.attempt", c.Attempt),
	}
	now := time.Now()
	_, wait := t.spans.Start(ctx, "queue "+c.Task.ID, trace.WithTimestamp(earlier(c.Ready, now)), trace.WithAttributes(about...), trace.WithLinks(links...))
	wait.End(trace.WithTimestamp(now))
	ctx, span := t.spans.Start(ctx, "attempt "+c.Task.ID, trace.WithTimestamp(now), trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(about...), trace.WithAttributes(ofCall(c)...), trace.WithLinks(links...))
	c.Trace = traceparent(span.SpanContext())
	in := newInAttempt(c)
	return context.WithValue(ctx, inAttemptKey{}, in), func(r engine.Result, err error) { endAttempt(span, r, err) }
}

// beginQuietly begins an attempt that no trace follows.
func (t *tracer) beginQuietly(ctx context.Context, c *engine.Call) (context.Context, func(engine.Result, error)) {
	if t.logAttempts {
		return beginLogged(ctx, c)
	}
	return ctx, nil
}

// earlier is the earlier of two times: clocks differ.
func earlier(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}

func ofCall(c *engine.Call) []attribute.KeyValue {
	handler := c.Task.Handler
	if handler == "" {
		handler = "direct"
	}
	all := []attribute.KeyValue{attribute.String("graflow.handler", handler), attribute.Int("graflow.cycle", c.Cycle)}
	if c.Recovers != "" {
		all = append(all, attribute.String("graflow.recovers", c.Recovers))
	}
	return all
}

func endAttempt(span trace.Span, r engine.Result, err error) {
	outcome := succeeded
	switch {
	case err != nil:
		outcome = failed
		kind := engine.KindError
		if e, ok := asTaskError(err); ok {
			kind = e.Kind
		}
		span.SetAttributes(attribute.String("error.type", cut(kind)))
	case r.Effects.Pause != nil:
		outcome = paused
	case len(r.Effects.Calls) > 0:
		outcome = called
		span.SetAttributes(attribute.Int("graflow.calls", len(r.Effects.Calls)))
	}
	span.SetAttributes(attribute.String("graflow.outcome", outcomeNames[outcome]))
	end(span, err)
}

// finished sends the span of a run that has ended.
func (t *tracer) finished(f engine.Finished) {
	over := t.runs.forget(f.Outcome.Run)
	self := t.ofRun(f.Outcome.Run, f.Trace)
	if !self.IsSampled() {
		return
	}
	ctx := context.Background()
	parent := parseTraceparent(f.Trace)
	if parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	} else {
		ctx = context.WithValue(ctx, traceIDKey{}, self.TraceID())
	}
	name := "run " + f.Outcome.Flow
	if f.Retried { // its span was sent when it ended first
		name, ctx = "retried run "+f.Outcome.Flow, trace.ContextWithRemoteSpanContext(ctx, self)
	} else {
		ctx = context.WithValue(ctx, spanIDKey{}, self.SpanID())
	}
	_, span := t.spans.Start(ctx, name, trace.WithTimestamp(f.Started), trace.WithAttributes(
		attribute.String("graflow.run", f.Outcome.Run), attribute.String("graflow.flow", f.Outcome.Flow),
		attribute.String("graflow.status", string(f.Outcome.Status)), attribute.Int("graflow.steps", f.Outcome.Steps)))
	if over > 0 {
		span.SetAttributes(attribute.Int("graflow.attempts_without_spans", over))
	}
	if f.Outcome.Reason != "" {
		span.SetAttributes(attribute.String("graflow.reason", f.Outcome.Reason))
	}
	if f.Outcome.Status == engine.StatusFailed {
		text := f.Outcome.Reason
		if f.Outcome.Error != nil {
			text = f.Outcome.Error.Message
		}
		span.SetStatus(codes.Error, cut(text))
	}
	span.End(trace.WithTimestamp(f.Ended))
}
