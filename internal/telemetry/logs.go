package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// LogHandler adds to lines that are logged with the context of an attempt or of a
// request which run, task and attempt it is, and the ids of its span. Lines that say
// so themselves are left as they are.
func LogHandler(inner slog.Handler) slog.Handler { return logHandler{inner: inner} }

type logHandler struct {
	inner slog.Handler
	has   uint8 // which keys were given to the logger; a bit for each of logKeys
	group bool  // keys of a record are within a group now: they are others
}

var logKeys = [...]string{"trace_id", "span_id", "run", "task", "attempt"}

// Enabled implements slog.Handler.
func (h logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !h.group {
		for _, a := range attrs {
			h.has |= bitOf(a.Key)
		}
	}
	h.inner = h.inner.WithAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h logHandler) WithGroup(name string) slog.Handler {
	h.inner, h.group = h.inner.WithGroup(name), h.group || name != ""
	return h
}

// Handle implements slog.Handler.
func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	in, _ := ctx.Value(inAttemptKey{}).(*inAttempt)
	c := trace.SpanContextFromContext(ctx)
	if in == nil && !c.IsValid() {
		return h.inner.Handle(ctx, r)
	}
	has := h.has
	if !h.group {
		r.Attrs(func(a slog.Attr) bool { has |= bitOf(a.Key); return true })
	}
	r = r.Clone()
	add := func(key string, value slog.Value) {
		if has&bitOf(key) == 0 {
			r.AddAttrs(slog.Attr{Key: key, Value: value})
		}
	}
	if in != nil {
		add("run", slog.StringValue(in.run))
		add("task", slog.StringValue(in.task))
		add("attempt", slog.IntValue(in.attempt))
	}
	if c.IsValid() {
		add("trace_id", slog.StringValue(c.TraceID().String()))
		add("span_id", slog.StringValue(c.SpanID().String()))
	}
	return h.inner.Handle(ctx, r)
}

func bitOf(key string) uint8 {
	for i, k := range logKeys {
		if k == key {
			return 1 << i
		}
	}
	return 0
}
