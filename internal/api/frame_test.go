package api_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// log is what was logged.
type log struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestUnknownIsAProblem(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{})
	for _, c := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"GET", "/v1/nothing", 404, ""},
		{"GET", "/v1/runs/", 404, ""},
		{"GET", "/v1//runs", 404, ""},
		{"GET", "/v1/../v1/runs", 404, ""},
		{"GET", "/docs", 404, ""},
		{"GET", "/openapi.yaml", 404, ""},
		{"GET", "/v1/runs/a/b/c", 404, ""},
		{"PATCH", "/v1/runs", 405, "GET, HEAD, POST"},
		{"OPTIONS", "/v1/runs", 405, "GET, HEAD, POST"},
		{"GET", "/v1/runs/r/cancel", 405, "POST"},
		{"DELETE", "/openapi.json", 405, "GET, HEAD"},
	} {
		r := f.ask(c.method, c.path, nil)
		f.want(r, c.want, nil)
		if allow := r.header.Get("Allow"); allow != c.allow {
			t.Errorf("%s %s: got Allow %q, want %q", c.method, c.path, allow, c.allow)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{})
	for _, path := range []string{"/v1/service", "/v1/none", "/openapi.json"} {
		r := f.ask("GET", path, nil, "X-Request-Id", "mine-1.a_B")
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
			"Referrer-Policy": "no-referrer", "X-Request-Id": "mine-1.a_B",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: the policy is %q", path, r.header.Get("Content-Security-Policy"))
		}
	}
	r := f.ask("GET", "/v1/service", nil, "X-Request-Id", "mine 1")
	if id := r.header.Get("X-Request-Id"); len(id) != 16 {
		t.Errorf("got the request id %q, want another than was sent", id)
	}
	r = f.askAs("", "GET", "/openapi.json", nil)
	f.want(r, 200, &struct{}{})
}

// panicking has parts that panic, and fail.
type panicking struct {
	ops.Workers
	ops.Queues
}

func (panicking) List(context.Context) ([]ops.Worker, error) { panic("at the disco, with gw_secret") }

type failing struct{ ops.Queues }

type faultError struct{}

func (faultError) Error() string { return "disk /var/lib/x is full" }

func (failing) List(context.Context) ([]ops.Queue, error) { return nil, faultError{} }

func (failing) Limit(ctx context.Context, _ string, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestFaultsAreHidden(t *testing.T) {
	t.Parallel()
	var l log
	var seen []api.Answered
	var mu sync.Mutex // guards seen
	f := serve(t, api.Config{
		Service: ops.Service{Workers: panicking{}, Queues: failing{}}, Logger: slog.New(slog.NewTextHandler(&l, nil)), Timeout: 50 * time.Millisecond,
		Observe: func(a api.Answered) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, a)
		},
	})
	for path, cause := range map[string]string{"/v1/workers": "disco", "/v1/queues": "disk"} {
		r := f.ask("GET", path, nil)
		f.want(r, 500, nil)
		id := r.header.Get("X-Request-Id")
		if strings.Contains(string(r.body), cause) || !strings.Contains(l.String(), cause) || !strings.Contains(l.String(), id) {
			t.Errorf("%s: told %s, logged\n%s", path, r.body, l.String())
		}
	}
	r := f.ask("PUT", "/v1/queues/q/limit", api.QueueLimit{Limit: 1})
	f.want(r, 504, nil)
	if r.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 3 || seen[2].Operation != "limit-queue" || seen[2].Status != 504 || seen[2].Took < 50*time.Millisecond {
		t.Errorf("observed %+v", seen)
	}
}

// TestLogHasNoSecrets logs names of tokens, and no tokens, bodies or queries.
func TestLogHasNoSecrets(t *testing.T) {
	t.Parallel()
	var l log
	f := start(t, api.Config{Logger: slog.New(slog.NewTextHandler(&l, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	f.want(f.ask("PUT", "/v1/secrets/key", []byte("the-value")), 200, nil)
	f.want(f.ask("GET", "/v1/runs?flow=the-query", nil), 200, nil)
	f.want(f.ask("POST", "/v1/runs", []byte(`{"input": "the-value`), "Content-Type", "application/json"), 400, nil)
	f.want(f.do(f.request("GET", "/v1/service", nil, "Cookie", f.all.Cookie()+"="+f.tokens[ops.RoleViewer])), 200, nil)
	text := l.String()
	for _, want := range []string{"token=operator", "token=viewer", "operation=put-secret", "status=400", "path=/v1/secrets/key"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %s:\n%s", want, text)
		}
	}
	for _, secret := range []string{"the-value", "the-query", f.tokens[ops.RoleOperator], f.tokens[ops.RoleViewer], "gw_"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %s:\n%s", secret, text)
		}
	}
}
