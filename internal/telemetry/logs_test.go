package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/telemetry"
)

// logged runs a task that logs a line, and returns the line's keys.
func logged(t *testing.T, tel *telemetry.Telemetry, log func(l *slog.Logger, ctx context.Context)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	logger := slog.New(telemetry.LogHandler(slog.NewJSONHandler(&out, nil)))
	h := direct.New()
	task := direct.Func(h, "logs", func(c *direct.Context, _ any) (int, error) { log(logger, c); return 1, nil })
	if out := runOn(t, tel, h, &engine.Spec{Name: "logs", Tasks: []engine.Task{task}}); out.Status != engine.StatusSucceeded {
		t.Fatal(out.Error)
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return line
}

func TestLogs(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tel := traced(t, r, "node")
	got := logged(t, tel, func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "hello") })
	flush(t, tel)
	attempt := r.named("attempt logs")[0]
	if got["task"] != "logs" || got["attempt"] != 1.0 || got["run"] == nil || got["trace_id"] != hexOf(attempt.GetTraceId()) || got["span_id"] != hexOf(attempt.GetSpanId()) {
		t.Errorf("got %v, want the attempt of span %x", got, attempt.GetSpanId())
	}
	quiet := newTelemetry(t, telemetry.Config{LogAttempts: true})
	got = logged(t, quiet, func(l *slog.Logger, ctx context.Context) {
		l.With("task", "mine").WithGroup("g").InfoContext(ctx, "hello", "run", "also mine")
	})
	if group, _ := got["g"].(map[string]any); got["task"] != "mine" || group["attempt"] != 1.0 || got["trace_id"] != nil {
		t.Errorf("got %v, want the words of the line itself, and no trace", got)
	}
	got = logged(t, newTelemetry(t, telemetry.Config{}), func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "hello") })
	if len(got) != 3 {
		t.Errorf("got %v, want time, level and msg alone", got)
	}
}

// TestLogLinesStay: a line that says itself where it is from is left as it is.
func TestLogLinesStay(t *testing.T) {
	t.Parallel()
	tel := newTelemetry(t, telemetry.Config{LogAttempts: true})
	var text bytes.Buffer
	logger := slog.New(telemetry.LogHandler(slog.NewTextHandler(&text, nil)))
	h := direct.New()
	task := direct.Func(h, "logs", func(c *direct.Context, _ any) (int, error) {
		logger.WarnContext(c, "hello", "run", "r", "attempt", 7)
		logger.Warn("nobody's")
		return 1, nil
	})
	runOn(t, tel, h, &engine.Spec{Name: "logs", Tasks: []engine.Task{task}})
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], "msg=hello run=r attempt=7 task=logs") || !strings.HasSuffix(lines[1], `msg=nobody's`) {
		t.Errorf("got %q", lines)
	}
}
