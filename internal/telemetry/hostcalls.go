package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func asTaskError(err error) (*engine.TaskError, bool) { return errors.AsType[*engine.TaskError](err) }

// follows tells whether a call of the sandbox is of an attempt that has a span.
func follows(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// another tells whether one more call of the host may have a span.
func another(ctx context.Context) bool {
	in, ok := ctx.Value(inAttemptKey{}).(*inAttempt)
	return ok && in.calls.Add(1) <= hostSpans
}

// hostCall begins the span of a guest's call of the host.
func (t *tracer) hostCall(ctx context.Context, function string) (context.Context, func(int64, bool)) {
	if !another(ctx) {
		return ctx, nil
	}
	ctx, span := t.spans.Start(ctx, function, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("graflow.function", function)))
	return ctx, func(answer int64, stopped bool) {
		switch {
		case stopped:
			span.SetStatus(codes.Error, "the guest was ended")
		case answer < 0:
			span.SetStatus(codes.Error, abi.Code(answer).Error())
		}
		span.End()
	}
}

// slow sends the span of a call of the host that took long.
func (t *tracer) slow(ctx context.Context, function string, began time.Time, took time.Duration) {
	if !another(ctx) {
		return
	}
	_, span := t.spans.Start(ctx, function, trace.WithTimestamp(began), trace.WithAttributes(attribute.String("graflow.function", function)))
	span.End(trace.WithTimestamp(began.Add(took)))
}
