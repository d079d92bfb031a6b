package client_test

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/internal/ops"
)

const token = "secret-token-of-the-tests"

// asked makes a client of a server that answers as f does.
func asked(t *testing.T, f http.HandlerFunc) *client.Client {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return made(t, client.Config{URL: srv.URL, Token: token})
}

func made(t *testing.T, cfg client.Config) *client.Client {
	t.Helper()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// problem answers with an error.
func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"", "host:7070", "ftp://host", "http://", "https://me:" + token + "@host", "https://host/?token=" + token, "http://host:7070", "http://127.0.0.1.example.com", "https://%zz" + token} {
		_, err := client.New(client.Config{URL: at, Token: token})
		if err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%q: got %v, want an error without the token", at, err)
		}
	}
	for _, c := range []client.Config{
		{URL: "https://host:7070", Token: token},
		{URL: "http://host:7070"},
		{URL: "http://host:7070", Token: token, Insecure: true},
		{URL: "http://127.0.0.1:7070", Token: token},
		{URL: "http://[::1]:7070/", Token: token},
		{URL: "http://localhost:7070", Token: token},
	} {
		if _, err := client.New(c); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := client.New(client.Config{URL: "http://host", Token: token}); !errors.Is(err, client.ErrPlain) {
		t.Errorf("got %v, want ErrPlain", err)
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []client.Config{{CA: empty}, {CA: empty + ".none"}, {Cert: empty, Key: empty}} {
		c.URL = "https://host"
		if _, err := client.New(c); err == nil {
			t.Errorf("%+v: got no error", c)
		}
	}
}

func TestRequestsAreEscaped(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	c := asked(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Content-Type"))
		w.WriteHeader(http.StatusNoContent)
	})
	s := c.Service()
	for want, ask := range map[string]func(context.Context) error{
		"POST /v1/runs/a%2Fb%20%C3%A9%3F/cancel Bearer " + token + " application/json": func(ctx context.Context) error { return s.Runs.Cancel(ctx, "a/b é?", "") },
		"POST /v1/runs/%2E%2E/resume Bearer " + token + " ":                            func(ctx context.Context) error { return s.Runs.Resume(ctx, "..") },
		"DELETE /v1/runs/r?force=true Bearer " + token + " ":                           func(ctx context.Context) error { return s.Runs.Delete(ctx, "r", true) },
		"DELETE /v1/modules/hello@1.0 Bearer " + token + " ":                           func(ctx context.Context) error { return s.Modules.Remove(ctx, "hello@1.0") },
		"PUT /v1/secrets/%2E Bearer " + token + " application/octet-stream": func(ctx context.Context) error {
			_, err := s.Secrets.Set(ctx, ".", []byte("x"))
			return err
		},
		"GET /v1/runs?before=x%26y&flow=f&flow=g&limit=7&since=2026-01-02T03%3A04%3A05Z&status=failed&status=paused Bearer " + token + " ": func(ctx context.Context) error {
			_, err := s.Runs.List(ctx, ops.RunsQuery{
				Statuses: []engine.Status{"failed", "paused"}, Flows: []string{"f", "g"}, Before: "x&y", Limit: 7,
				Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			})
			return err
		},
	} {
		if err := ask(t.Context()); err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := got.Load(); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestErrorsAreKinds: the errors of a server are those that they were there.
func TestErrorsAreKinds(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	var body atomic.Value
	c := asked(t, func(w http.ResponseWriter, _ *http.Request) { problem(w, int(status.Load()), body.Load().(string)) })
	c.Hurry(func(time.Duration) {})
	for _, one := range []struct {
		status      int
		text        string
		is, isNot   error
		statusThere int
	}{
		{404, `{"detail": "run \"x\": not found"}`, engine.ErrNotFound, engine.ErrNoPause, 404},
		{404, `{"detail": "` + engine.ErrNoPause.Error() + `"}`, engine.ErrNoPause, engine.ErrNotFound, 404},
		{401, `{"detail": "a token is missing"}`, ops.ErrDenied, ops.ErrLimited, 403},
		{403, `{"title": "Forbidden"}`, ops.ErrDenied, ops.ErrLimited, 403},
		{409, `{"detail": "cancel: ` + engine.ErrFinished.Error() + `"}`, engine.ErrFinished, engine.ErrRunExists, 409},
		{409, `{"detail": "` + ops.ErrTaken.Error() + `: hello@1"}`, ops.ErrTaken, engine.ErrFinished, 409},
		{409, `{"detail": "` + control.ErrUnfinished.Error() + `"}`, control.ErrUnfinished, control.ErrDriven, 409},
		{422, `{"detail": "` + engine.ErrInvalidAnswer.Error() + `: want a number"}`, engine.ErrInvalidAnswer, engine.ErrModule, 422},
		{429, `{"detail": "wait"}`, ops.ErrLimited, ops.ErrDenied, 429},
		{503, `{"detail": "no leader"}`, ops.ErrUnavailable, ops.ErrDenied, 503},
		{500, `{"detail": "` + engine.ErrFinished.Error() + `"}`, nil, engine.ErrFinished, 500},
	} {
		status.Store(int32(one.status))
		body.Store(one.text)
		_, err := c.Service().Runs.Show(t.Context(), "x")
		if one.is != nil && !errors.Is(err, one.is) || errors.Is(err, one.isNot) || ops.Status(err) != one.statusThere {
			t.Errorf("%d %s: got %v, status %d; want %v", one.status, one.text, err, ops.Status(err), one.is)
		}
		var told *control.Error
		if !errors.As(err, &told) || told.Status != one.status {
			t.Errorf("%d: got %T, want a *control.Error of the status", one.status, err)
		}
	}
	status.Store(422)
	body.Store(`{"detail": "the flow is not valid", "errors": [{"message": "no such handler", "location": "tasks.a"}, {"message": "m", "location": ""}]}`)
	_, err := c.Service().Flows.Validate(t.Context(), "x")
	var invalid *ops.Invalid
	if !errors.As(err, &invalid) || invalid.What != "the flow" || len(invalid.Faults) != 2 || invalid.Faults[0] != (ops.Fault{Message: "no such handler", Where: "tasks.a"}) {
		t.Errorf("got %#v, want both faults of the flow", err)
	}
}

// TestNoServerOfOurs: what is no server of ours is told so, and gets no second word.
func TestNoServerOfOurs(t *testing.T) {
	t.Parallel()
	page := asked(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	_, err := page.Service().Runs.Show(t.Context(), "x")
	if !errors.Is(err, engine.ErrNotFound) || !strings.Contains(err.Error(), "is a graflow-wasm server there?") {
		t.Errorf("got %v", err)
	}
	text := asked(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	if _, err := text.Service().Runs.Show(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "is it a graflow-wasm server?") {
		t.Errorf("got %v", err)
	}
	var heard atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	defer other.Close()
	away := asked(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/v1/x?"+r.Header.Get("Authorization"), http.StatusTemporaryRedirect)
	})
	_, err = away.Service().Runs.Show(t.Context(), "x")
	if err == nil || heard.Load() != 0 || !strings.Contains(err.Error(), other.URL) || strings.Contains(err.Error(), token) {
		t.Errorf("got %v and %d requests elsewhere, want none", err, heard.Load())
	}
	gone := made(t, client.Config{URL: "http://" + loopback.Free(t), Token: token})
	_, err = gone.Service().Runs.Show(t.Context(), "x")
	if !errors.Is(err, ops.ErrUnavailable) || strings.Contains(err.Error(), token) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gone.Service().Runs.Show(ctx, "x"); !errors.Is(err, context.Canceled) || errors.Is(err, ops.ErrUnavailable) {
		t.Errorf("got %v, want that it was canceled", err)
	}
}

// TestSlowServer: a question has its time, and what is streamed has all it takes.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	c := made(t, client.Config{URL: srv.URL, Timeout: 20 * time.Millisecond})
	_, err := c.Service().Runs.Show(t.Context(), "x")
	if !errors.Is(err, ops.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that it takes too long", err)
	}
}

// TestBusyServer: what is too much at once is asked again as late as the server says,
// with the same body, and not for ever.
func TestBusyServer(t *testing.T) {
	t.Parallel()
	var calls, busy atomic.Int32
	c := asked(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		if busy.Add(-1) >= 0 {
			w.Header().Set("Retry-After", "7")
			problem(w, http.StatusTooManyRequests, `{"detail": "wait"}`)
			return
		}
		_, _ = io.WriteString(w, `{"run": `+string(body)+`}`)
	})
	var waits []time.Duration
	c.Hurry(func(d time.Duration) { waits = append(waits, d) })
	busy.Store(3)
	run, err := c.Service().Runs.Restore(t.Context(), []byte(`"r"`), "")
	if err != nil || run != "r" || calls.Load() != 4 || len(waits) != 3 || waits[0] != 7*time.Second {
		t.Errorf("got %q, %v after %d calls and waits of %v", run, err, calls.Load(), waits)
	}
	calls.Store(0)
	busy.Store(100)
	if _, err := c.Service().Runs.Show(t.Context(), "x"); !errors.Is(err, ops.ErrLimited) || calls.Load() != 4 {
		t.Errorf("got %v after %d calls, want ErrLimited after 4", err, calls.Load())
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			problem(w, http.StatusUnauthorized, `{}`)
			return
		}
		_, _ = io.WriteString(w, `{"version": "v1", "namespace": "main", "role": "viewer", "name": "ann"}`)
	}))
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := made(t, client.Config{URL: srv.URL, Token: token, CA: ca})
	about, err := c.About(t.Context())
	if want := (client.About{Version: "v1", Namespace: "main", Role: ops.RoleViewer, Name: "ann"}); err != nil || about != want {
		t.Errorf("got %+v, %v; want %+v", about, err, want)
	}
	stranger := made(t, client.Config{URL: srv.URL, Token: token})
	if _, err := stranger.About(t.Context()); !errors.Is(err, client.ErrUntrusted) || errors.Is(err, ops.ErrUnavailable) {
		t.Errorf("got %v, want ErrUntrusted", err)
	}
}

// TestDigests: bytes that are not what was asked for are an error.
func TestDigests(t *testing.T) {
	t.Parallel()
	const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of hello
	var sends atomic.Value
	c := asked(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"digest": "`+digest+`"}`)
			return
		}
		_, _ = io.WriteString(w, sends.Load().(string))
	})
	for text, want := range map[string]error{"hello": nil, "hell": client.ErrTampered, "hello!": client.ErrTampered} {
		sends.Store(text)
		for name, open := range map[string]func() (io.ReadCloser, error){
			"file":   func() (io.ReadCloser, error) { return c.Service().Runs.OpenFile(t.Context(), "r", digest) },
			"module": func() (io.ReadCloser, error) { return c.Service().Modules.Open(t.Context(), digest) },
		} {
			r, err := open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if !errors.Is(err, want) || string(data) != text || r.Close() != nil {
				t.Errorf("%s that is %q: got %q, %v; want %v", name, text, data, err, want)
			}
		}
	}
	if m, err := c.Service().Modules.Push(t.Context(), ops.ModulePush{Name: "m"}, []byte("hello")); err != nil || m.Digest != digest {
		t.Errorf("push: got %+v, %v", m, err)
	}
	if _, err := c.Service().Modules.Push(t.Context(), ops.ModulePush{Name: "m"}, []byte("other")); !errors.Is(err, client.ErrTampered) {
		t.Errorf("push of something else: got %v, want ErrTampered", err)
	}
}
