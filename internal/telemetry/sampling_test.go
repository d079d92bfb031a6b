package telemetry_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/telemetry"
)

func hexOf(id []byte) string { return hex.EncodeToString(id) }

// wide is a flow of ten tasks that tell which trace they have, of up to ten runs.
func wide() (*direct.Handler, *engine.Spec, chan string) {
	h, traces := direct.New(), make(chan string, 100)
	direct.Func(h, "tell", func(c *direct.Context, _ any) (int, error) { traces <- c.Call.Trace; return 1, nil })
	task := engine.Task{ID: "tell", Spec: json.RawMessage(`{"func":"tell"}`), Map: "1..10"}
	return h, &engine.Spec{Name: "wide", Tasks: []engine.Task{task}}, traces
}

// TestSpansAreBounded: of a wide run some attempts have spans, and the run counts the
// others.
func TestSpansAreBounded(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tel, err := telemetry.New(t.Context(), telemetry.Config{Traces: &telemetry.Traces{Endpoint: r.URL, RunSpans: 3}})
	if err != nil {
		t.Fatal(err)
	}
	h, s, _ := wide()
	runOn(t, tel, h, s)
	flush(t, tel)
	if n := len(r.named("attempt tell")); n != 3 || len(r.named("queue tell")) != 3 {
		t.Errorf("%d attempts have spans, want 3\n%s", n, r.tree())
	}
	for _, a := range r.named("run wide")[0].GetAttributes() {
		if a.GetKey() == "graflow.attempts_without_spans" && a.GetValue().GetIntValue() == 7 {
			return
		}
	}
	t.Errorf("the run does not say that 7 have none: %v", r.named("run wide")[0].GetAttributes())
}

// TestSampling: who is not sampled is told so, and nothing is sent.
func TestSampling(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	r := newReceiver(t)
	tel := traced(t, r, "node")
	h, s, traces := wide()
	runOn(t, tel, h, s)
	if trace := <-traces; !strings.HasPrefix(trace, "00-") || !strings.HasSuffix(trace, "-00") {
		t.Errorf("a task has the trace %q, want one that is not sampled", trace)
	}
	out := start(t, newEngine(t, tel, h), s, engine.Start{Trace: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"})
	if out.Status != engine.StatusSucceeded {
		t.Fatal(out.Error)
	}
	flush(t, tel)
	if all := r.traces(); len(all) != 1 || !all["0123456789abcdef0123456789abcdef"] {
		t.Errorf("sent\n%s\nwant the run alone whose caller is sampled", r.tree())
	}
	for _, bad := range [][2]string{{"sometimes", ""}, {"traceidratio", "2"}, {"parentbased_traceidratio", "x"}} {
		t.Setenv("OTEL_TRACES_SAMPLER", bad[0])
		t.Setenv("OTEL_TRACES_SAMPLER_ARG", bad[1])
		if _, err := telemetry.New(t.Context(), telemetry.Config{Traces: &telemetry.Traces{Endpoint: r.URL}}); err == nil || !strings.Contains(err.Error(), "OTEL_TRACES_SAMPLER") {
			t.Errorf("%q: got %v, want an error that names the variable", bad, err)
		}
	}
}

func newEngine(t *testing.T, tel *telemetry.Telemetry, h *direct.Handler) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: tel.Engine(), Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// TestOwnTrace: a run that was begun by a process which follows nothing has a trace of
// its own, that all others come to; its retry is part of it.
func TestOwnTrace(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tel := traced(t, r, "node")
	mended := false
	h := direct.New()
	task := direct.Func(h, "flaky", func(*direct.Context, any) (int, error) {
		if !mended {
			return 0, errors.New("oh no")
		}
		return 1, nil
	})
	s := engine.Spec{Name: "own", Tasks: []engine.Task{task}}
	probe := tel.Engine()
	probe.Submit = nil // by another
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Probe: probe, Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if out := start(t, e, &s, engine.Start{ID: "r"}); out.Status != engine.StatusFailed {
		t.Fatalf("outcome %+v", out)
	}
	mended = true
	o, err := e.Retry(t.Context(), "r", engine.RetryFrom{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	flush(t, tel)
	const want = `node: run own !
  node: queue flaky
  node: attempt flaky !
  node: queue flaky
  node: attempt flaky
  node: retried run own
`
	got := r.tree()
	lines := strings.Split(got, "\n")
	if len(lines) != 7 || lines[0] != "node: run own !" || !same(lines, strings.Split(want, "\n")) || len(r.traces()) != 1 {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// same tells whether two lists have the same lines, in any order.
func same(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestCollectorFails: that is counted and logged, and nobody's fault.
func TestCollectorFails(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.fails = true
	var text strings.Builder
	tel, err := telemetry.New(t.Context(), telemetry.Config{
		Traces: &telemetry.Traces{Endpoint: r.URL}, Logger: slog.New(slog.NewTextHandler(&text, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	h, s, _ := wide()
	if out := runOn(t, tel, h, s); out.Status != engine.StatusSucceeded {
		t.Fatal(out.Error)
	}
	flush(t, tel)
	scrape(t, tel).want(t, map[string]float64{"trace_spans_total": 0, "trace_spans_failed_total": 22})
	if strings.Count(text.String(), "send traces") != 1 {
		t.Errorf("logged %q, want one line", text.String())
	}
	for _, url := range []string{"127.0.0.1:4318", "ftp://h", "http://", "::"} {
		if _, err := telemetry.New(t.Context(), telemetry.Config{Traces: &telemetry.Traces{Endpoint: url}}); err == nil {
			t.Errorf("%q is taken for a URL", url)
		}
	}
}

// TestRequests: what a request leads to is part of the request's trace.
func TestRequests(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	tel := traced(t, r, "node")
	h, s, _ := wide()
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, tel, h)
	server := tel.Requests(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.WriteHeader(http.StatusCreated)
		w.(http.Flusher).Flush()
		if out, err := e.Run(request.Context(), g, nil); err != nil || out.Status != engine.StatusSucceeded {
			t.Error(out, err)
		}
	}))
	for _, header := range []string{"", "nonsense", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"} {
		request := httptest.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, "/v1/runs", nil)
		request.Header.Set("Traceparent", header)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, request)
		if w.Code != http.StatusCreated || !w.Flushed {
			t.Errorf("answered %d, flushed %t", w.Code, w.Flushed)
		}
	}
	flush(t, tel)
	posts := r.named("HTTP POST")
	if len(posts) != 1 || hexOf(posts[0].GetTraceId()) != "0123456789abcdef0123456789abcdef" || len(r.traces()) != 3 {
		t.Fatalf("got\n%s", r.tree())
	}
	for _, s := range r.named("submit wide") {
		if string(s.GetTraceId()) == string(posts[0].GetTraceId()) && string(s.GetParentSpanId()) != string(posts[0].GetSpanId()) {
			t.Error("the run is not the request's")
		}
	}
}
