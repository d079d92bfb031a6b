package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	intake "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spans are what processes send to a collector: names, by process, and traces.
type spans struct {
	*httptest.Server

	mu     sync.Mutex // guards what follows
	names  map[string]string
	traces map[string]bool
}

func collectSpans(t *testing.T) *spans {
	t.Helper()
	s := &spans{names: map[string]string{}, traces: map[string]bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var export intake.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &export) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.take(&export)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *spans) take(export *intake.ExportTraceServiceRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range export.GetResourceSpans() {
		node := ""
		for _, a := range of.GetResource().GetAttributes() {
			if a.GetKey() == "service.instance.id" {
				node = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.names[span.GetName()] = node
				s.traces[hex.EncodeToString(span.GetTraceId())] = true
			}
		}
	}
}

// metricsOf reads the metrics of a process, with a token if it is not "".
func metricsOf(t *testing.T, url, token string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// metricUntil scrapes until a line is there: what a process does, and what another asks
// of it, go on beside one another.
func metricUntil(t *testing.T, url, token, line string) {
	t.Helper()
	text := ""
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if _, text = metricsOf(t, url, token); strings.Contains(text, line) {
			return
		}
		<-time.After(50 * time.Millisecond) // nobody tells
	}
	t.Errorf("%s does not tell %s:\n%s", url, line, text)
}

// TestTelemetry runs a flow on a server whose worker is another process: both tell
// metrics, and their spans are of one trace.
func TestTelemetry(t *testing.T) {
	t.Parallel()
	dir, sent := t.TempDir(), collectSpans(t)
	flow := "name: followed\ntasks:\n  task: {script: {language: javascript, code: 'export default () => 1'}}\n"
	if err := os.WriteFile(filepath.Join(dir, "f.flow.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	server := begin(t, dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--queues", "none", "--name", "one", "--otlp", sent.URL)
	server.await("ready")
	worker := begin(t, dir, "worker", "--nats", "./srv", "--name", "two", "--health", "127.0.0.1:0", "--metrics", "--work-only", "--otlp", sent.URL)
	health := strings.TrimSuffix(worker.await("health on (.*)"), "/readyz")
	worker.await("ready")
	if out, code := ask(t, dir, "run", "f.flow.yaml", "--server", "./srv", "-o", "json"); code != 0 {
		t.Fatalf("run ends with %d: %s\n%s\n%s", code, out, server.all(), worker.all())
	}
	url, token := read(t, dir, "srv/api.url"), read(t, dir, "srv/tokens/viewer.token")
	if status, _ := metricsOf(t, url+"/metrics", ""); status != http.StatusUnauthorized {
		t.Errorf("metrics without a token are answered %d", status)
	}
	if status, _ := metricsOf(t, url+"/metrics", "x"+token); status != http.StatusUnauthorized {
		t.Errorf("metrics with another token are answered %d", status)
	}
	for _, want := range []string{`graflow_wasm_runs_begun_total 1`, `graflow_wasm_runs_ended_total{status="succeeded"} 1`, `graflow_wasm_workers{role="work-only"} 1`, `graflow_wasm_cluster_up 1`} {
		metricUntil(t, url+"/metrics", token, "\n"+want+"\n")
	}
	metricUntil(t, health+"/metrics", "", `graflow_wasm_attempts_total{handler="script",kind="",outcome="succeeded"} 1`)
	for _, p := range []*process{worker, server} {
		p.signal(syscall.SIGTERM)
		if code := p.exit(); code != 0 {
			t.Errorf("ends with %d: %s", code, p.all())
		}
	}
	sent.mu.Lock()
	defer sent.mu.Unlock()
	for name, node := range map[string]string{"submit followed": "one", "run followed": "one", "queue task": "two", "attempt task": "two"} {
		if sent.names[name] != node {
			t.Errorf("%q was sent by %q, want %q", name, sent.names[name], node)
		}
	}
	if len(sent.traces) != 1 {
		t.Errorf("there are %d traces, want one: %v", len(sent.traces), sent.names)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func TestTelemetryFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"worker", "--nats", "127.0.0.1:1", "--metrics"},
		{"worker", "--nats", "127.0.0.1:1", "--otlp", "127.0.0.1:4318"},
	} {
		p := begin(t, dir, args...)
		if code := p.exit(); code != exitUsage || !strings.Contains(p.all(), args[3]) {
			t.Errorf("%q ends with %d: %s", args, code, p.all())
		}
	}
}
