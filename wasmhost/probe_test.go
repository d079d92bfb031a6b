package wasmhost_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// told notes what a probe is told.
type told struct {
	mu    sync.Mutex // guards what follows
	notes []string
	fuel  int64
}

func (n *told) note(words ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notes = append(n.notes, strings.Join(words, " "))
}

type followKey struct{}

func (n *told) probe() wasmhost.Probe {
	return wasmhost.Probe{
		Compiled: func(took time.Duration, err error) {
			if took <= 0 {
				n.note("compiled in no time")
			}
			n.note("compiled", result(err))
		},
		Started: func(from wasmhost.Source, _ time.Duration) { n.note("started", from.String()) },
		Reset:   func(_ time.Duration, ok bool) { n.note("reset", map[bool]string{true: "ok", false: "failed"}[ok]) },
		Called: func(l wasmhost.Ledger, kind string) {
			n.mu.Lock()
			n.fuel += l.Fuel
			n.mu.Unlock()
			n.note("called", kind)
		},
		Follows: func(ctx context.Context) bool { return ctx.Value(followKey{}) != nil },
		HostCall: func(ctx context.Context, function string) (context.Context, func(int64, bool)) {
			n.note("host call", function)
			return context.WithValue(ctx, followKey{}, "inner"), func(answer int64, stopped bool) {
				if answer <= 0 || stopped {
					n.note("no answer")
				}
			}
		},
		Header: func(ctx context.Context) map[string]string {
			return map[string]string{"Traceparent": ctx.Value(followKey{}).(string), "Accept": "mine"}
		},
	}
}

func result(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

func probedHost(t *testing.T) (*told, *wasmhost.Host) {
	t.Helper()
	n := &told{}
	h, err := wasmhost.New(t.Context(), wasmhost.Config{Probe: n.probe(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	return n, h
}

func TestProbe(t *testing.T) {
	t.Parallel()
	n, h := probedHost(t)
	m, err := h.Compile(t.Context(), guestBytes(t, buildTasks))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Compile(t.Context(), []byte("no module")); err == nil {
		t.Fatal("it compiles what is no module")
	}
	for _, export := range []string{"echo", "echo", "panics"} {
		_, err := m.Call(t.Context(), export, []byte(`1`), options())
		if (err != nil) != (export == "panics") {
			t.Fatal(err)
		}
	}
	want := []string{
		"compiled ok", "compiled failed", "started new", "reset ok", "called ", "started pool", "reset ok", "called ", "started pool", "called trap",
	}
	if !slices.Equal(n.notes, want) {
		t.Errorf("got  %q\nwant %q", n.notes, want)
	}
	if n.fuel == 0 {
		t.Error("no fuel was told")
	}
	if s := h.Stats(); s.Modules != 1 || s.Idle != 0 || s.IdleBytes != 0 || s.MemoryBytes == 0 {
		t.Errorf("got %+v, want one module, no idle sandbox and its snapshot's memory", s)
	}
}

// TestProbeFollows tells of a guest's request, and gives it headers that it has not
// set itself.
func TestProbeFollows(t *testing.T) {
	t.Parallel()
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	n, h := probedHost(t)
	m, err := h.Compile(t.Context(), guestBytes(t, buildPowers))
	if err != nil {
		t.Fatal(err)
	}
	opt := options()
	opt.Grants.HTTP, opt.Grants.HTTPNetworks = []string{strings.TrimPrefix(server.URL, "http://")}, []string{"127.0.0.0/8"}
	get := func(ctx context.Context) {
		t.Helper()
		if _, err := m.Call(ctx, "get", []byte(`"`+server.URL+`"`), opt); err != nil {
			t.Fatal(err)
		}
	}
	get(t.Context())
	if got.Get("Traceparent") != "" || slices.Contains(n.notes, "host call http_request") {
		t.Errorf("a call that is not followed has headers %v, told %q", got, n.notes)
	}
	get(context.WithValue(t.Context(), followKey{}, "outer"))
	if got.Get("Traceparent") != "inner" || !slices.Contains(n.notes, "host call http_request") || slices.Contains(n.notes, "no answer") {
		t.Errorf("a call that is followed has headers %v, told %q", got, n.notes)
	}
}
