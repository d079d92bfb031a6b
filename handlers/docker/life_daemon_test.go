package docker

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// between stands between a handler and the tests' daemon. Its hook is called before
// each request goes on.
type between struct {
	host string // for Config.Host

	mu   sync.Mutex // guards hook
	hook func(*http.Request)
}

func (b *between) on(hook func(*http.Request)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hook = hook
}

func (b *between) serve(to http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		hook := b.hook
		b.mu.Unlock()
		if hook != nil {
			hook(r)
		}
		// What the handler has sent the daemon does, also when the handler has gone.
		to.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	}
}

func newBetween(t *testing.T) *between {
	t.Helper()
	network, address, _ := strings.Cut(dockertest.Daemon(t), "://")
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil { // the daemon keeps streams of containers that never run
				t.Cleanup(func() { _ = conn.Close() })
			}
			return conn, err
		},
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "docker" },
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0), // of connections that it closes
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	b := &between{}
	listener := listenUnix(t)
	b.host = "unix://" + listener.Addr().String()
	server := &http.Server{Handler: b.serve(proxy), ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return b
}

func listenUnix(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// wantKind fails a test whose error has another kind.
func wantKind(t *testing.T, err error, kind string) {
	t.Helper()
	_ = failureOf(t, err, kind)
}

// failureOf is an error of a kind, the only one that does not fail the test.
func failureOf(t *testing.T, err error, kind string) *engine.TaskError {
	t.Helper()
	var failed *engine.TaskError
	if !errors.As(err, &failed) || failed.Kind != kind {
		t.Fatalf("error %v (%+v), want kind %q", err, failed, kind)
	}
	return failed
}

// within fails a test that waits too long.
func within(t *testing.T, most time.Duration, do func()) {
	t.Helper()
	began := time.Now()
	do()
	if took := time.Since(began); took > most {
		t.Errorf("it took %s, want at most %s", took, most)
	}
}

// TestCanceledOnTheWay ends attempts at each request of the daemon. Nothing may be
// left of any.
func TestCanceledOnTheWay(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	for _, step := range []string{"GET /containers/json", "GET /images/", "POST /containers/create", "POST /attach", "POST /wait", "POST /start"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := newBetween(t)
			h := newHandler(t, Config{Host: b.host})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			method, path, _ := strings.Cut(step, " ")
			b.on(func(r *http.Request) {
				if r.Method == method && strings.Contains(r.URL.Path, path) {
					cancel()
				}
			})
			_, err := h.Handle(ctx, callOf(shell(image, "sleep 1000"), ""))
			failed := failureOf(t, err, engine.KindCanceled)
			if ctx.Err() == nil || failed.Permanent {
				t.Errorf("%+v, and the context is %v", failed, ctx.Err())
			}
		})
	}
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		h := newHandler(t, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.Handle(ctx, callOf(shell(image, "true"), ""))
		wantKind(t, err, engine.KindCanceled)
	})
}

// TestNoDaemon has nobody listen.
func TestNoDaemon(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Host: "unix://" + filepath.Join(t.TempDir(), "nobody")})
	_, err := h.Handle(t.Context(), callOf(shell("x", "true"), ""))
	if failed := failureOf(t, err, KindUnavailable); failed.Permanent || !strings.Contains(failed.Message, "DOCKER_HOST") {
		t.Errorf("%+v: want it to pass, and what to do", failed)
	}
	if name, digest, err := h.Pin(t.Context(), callOf(shell("x", "true"), "").Task); name != "" || digest != "" || err != nil {
		t.Errorf("pinned to %q %q, %v", name, digest, err)
	}
}

// TestDaemonHangs has a daemon that takes connections and never answers.
func TestDaemonHangs(t *testing.T) {
	t.Parallel()
	listener := listenUnix(t)
	h := newHandler(t, Config{Host: "unix://" + listener.Addr().String()})
	h.patience = 50 * time.Millisecond
	within(t, 10*time.Second, func() {
		_, err := h.Handle(t.Context(), callOf(shell("x", "true"), ""))
		if failed := failureOf(t, err, KindUnavailable); failed.Permanent {
			t.Errorf("%+v: want it to pass", failed)
		}
	})
	h.patience = time.Hour
	within(t, 10*time.Second, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		var both sync.WaitGroup
		for range 2 { // the second waits for the first
			both.Go(func() {
				_, err := h.Handle(ctx, callOf(shell("x", "true"), ""))
				var failed *engine.TaskError
				if !errors.As(err, &failed) || failed.Kind != engine.KindTimeout {
					t.Errorf("error %v, want a timeout", err)
				}
			})
		}
		both.Wait()
	})
}

// TestDaemonHangsOnTheWay has a daemon hang from one request on. What it has made by
// then is removed once it is back.
func TestDaemonHangsOnTheWay(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	for _, step := range []string{"POST /attach", "POST /wait", "POST /start", "DELETE /containers"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			b := newBetween(t)
			h := newHandler(t, Config{Host: b.host})
			h.patience = time.Second
			back := make(chan struct{})
			wake := sync.OnceFunc(func() { close(back) })
			t.Cleanup(wake)
			method, path, _ := strings.Cut(step, " ")
			hanging := false
			b.on(func(r *http.Request) {
				b.mu.Lock()
				hanging = hanging || r.Method == method && strings.Contains(r.URL.Path, path)
				hangs := hanging
				b.mu.Unlock()
				if hangs {
					<-back
				}
			})
			within(t, 20*time.Second, func() {
				_, err := h.Handle(t.Context(), callOf(shell(image, "true"), ""))
				wantKind(t, err, KindUnavailable)
			})
			b.on(nil)
			wake()
			h.patience = patience
		})
	}
}
