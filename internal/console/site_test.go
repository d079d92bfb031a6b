package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/console"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
)

// site is a console over a cluster, and browsers of each role.
type site struct {
	*httptest.Server

	t       testing.TB
	service ops.Service
	cluster *clustertest.Cluster
	mend    chan struct{} // closed: what is broken works
	open    chan struct{} // closed: what waits goes on
}

// tokens are those of users, by role.
var tokens = map[ops.Role]string{
	ops.RoleViewer: "the-token-of-vera", ops.RoleSubmitter: "the-token-of-sam", ops.RoleOperator: "the-token-of-otto",
}

var names = map[ops.Role]string{ops.RoleViewer: "vera", ops.RoleSubmitter: "sam", ops.RoleOperator: "otto"}

func authenticate(token string) (ops.Role, string, bool) {
	for role, has := range tokens {
		if token == has {
			return role, names[role], true
		}
	}
	return "", "", false
}

// newSite runs a console over a real cluster until the test has ended.
func newSite(tb testing.TB) *site {
	tb.Helper()
	s := &site{t: tb, mend: make(chan struct{}), open: make(chan struct{})}
	c := clustertest.Start(tb, clustertest.Config{Direct: s.functions()})
	s.service, s.cluster = c.Service, c
	sandbox, err := script.New(script.Config{Host: c.Host})
	must(tb, err)
	l, err := layout.New(layout.Config{Sandbox: sandbox})
	must(tb, err)
	s.serve(console.Config{Service: c.Service, Authenticate: authenticate, Draw: l.Graph})
	return s
}

func (s *site) serve(cfg console.Config) {
	s.t.Helper()
	cfg.Log = slog.New(slog.NewTextHandler(testWriter{s.t}, &slog.HandlerOptions{Level: slog.LevelError}))
	c, err := console.New(cfg)
	must(s.t, err)
	server := httptest.NewServer(c.Handler())
	s.Server = server
	s.t.Cleanup(func() {
		server.CloseClientConnections() // streams are endless
		server.Close()
		c.Close()
		http.DefaultClient.CloseIdleConnections()
	})
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// functions are what tasks can do: work for a time, log, fail until s.mend is closed,
// ask, wait until s.open is closed.
func (s *site) functions() *direct.Handler {
	h := direct.New()
	direct.Func(h, "work", func(c *direct.Context, in struct {
		MS   int    `json:"ms"`
		Say  string `json:"say"`
		Fail string `json:"fail"`
	},
	) (any, error) {
		if in.Say != "" {
			c.Log("%s", in.Say)
		}
		select {
		case <-time.After(time.Duration(in.MS) * time.Millisecond):
		case <-c.Done():
		}
		if in.Fail != "" {
			return nil, errors.New(in.Fail)
		}
		return map[string]any{"did": in.Say, "ms": in.MS}, nil
	})
	direct.Func(h, "echo", func(_ *direct.Context, in any) (any, error) { return in, nil })
	direct.Func(h, "flaky", func(c *direct.Context, _ any) (string, error) {
		select {
		case <-s.mend:
			return "mended", nil
		default:
			c.Log("the printer does not answer")
			return "", errors.New("the printer is out of paper")
		}
	})
	direct.Func(h, "ask", func(c *direct.Context, in engine.Pause) (any, error) {
		var answer any
		err := c.Pause(in, &answer)
		return answer, err
	})
	direct.Func(h, "wait", func(c *direct.Context, in any) (any, error) {
		select {
		case <-s.open:
		case <-c.Done():
		}
		return in, nil
	})
	direct.Func(h, "mark", func(c *direct.Context, in any) (any, error) {
		if err := c.Checkpoint("halfway", map[string]int{"part": 1}); err != nil {
			return nil, err
		}
		return in, nil
	})
	return h
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// submit begins a run of a flow file.
func (s *site) submit(id, source, input string) string {
	s.t.Helper()
	got, err := s.service.Runs.Submit(s.t.Context(), ops.Submission{Target: ops.Target{Source: source}, ID: id, Input: json.RawMessage(input)})
	must(s.t, err)
	return got.Run
}

// settle waits until a run has ended or is paused.
func (s *site) settle(run string) engine.Outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	o, err := s.service.Runs.Follow(ctx, run, ops.FollowAll, func(engine.Notice, string) {})
	must(s.t, err)
	return o
}

// until follows a run until it has come to a notice.
func (s *site) until(run string, is func(engine.Notice) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	found := false
	_, err := s.service.Runs.Follow(ctx, run, ops.FollowAll, func(n engine.Notice, _ string) {
		if is(n) && !found {
			found = true
			cancel()
		}
	})
	if !found {
		s.t.Fatalf("run %s ended before it came to that: %v", run, err)
	}
}

// holds waits until the task hold of a run runs.
func (s *site) holds(run string) {
	s.t.Helper()
	s.until(run, func(n engine.Notice) bool { return n.Type == engine.NoticeTaskStarted && n.Task == "hold" })
}

// browser is somebody who has logged in, and follows no redirects but to pages.
type browser struct {
	*http.Client

	s *site
}

// as logs in with the token of a role; "" does not.
func (s *site) as(role ops.Role) *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	must(s.t, err)
	b := &browser{&http.Client{Jar: jar, Transport: s.Server.Client().Transport}, s}
	if role != "" {
		if status, body := b.post("/login", "token", tokens[role]); status != http.StatusOK {
			s.t.Fatalf("log in as %s: %d\n%s", role, status, body)
		}
	}
	return b
}

func (b *browser) get(path string) (int, string) {
	b.s.t.Helper()
	return b.do(http.MethodGet, path, "", nil)
}

// post sends a form of names and values.
func (b *browser) post(path string, pairs ...string) (int, string) {
	b.s.t.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(formOf(pairs...)))
}

func formOf(pairs ...string) string {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return form.Encode()
}

func configOf(s ops.Service) console.Config {
	return console.Config{Service: s, Authenticate: authenticate}
}

func (b *browser) do(method, path, kind string, body io.Reader) (int, string) {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.URL+path, body)
	must(b.s.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := b.Do(r)
	must(b.s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(b.s.t, err)
	return answer.StatusCode, string(text)
}

// has wants a page with texts.
func (b *browser) has(path string, texts ...string) string {
	b.s.t.Helper()
	status, body := b.get(path)
	if status != http.StatusOK {
		b.s.t.Fatalf("GET %s: %d\n%s", path, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.s.t.Errorf("GET %s has no %q:\n%s", path, text, body)
		}
	}
	return body
}

// chain is a flow of n tasks in layers of ten, each of which leads to some of the next.
func chain(n int) string {
	var tasks, edges strings.Builder
	for i := range n {
		fmt.Fprintf(&tasks, "  t%03d: {direct: {func: echo}, with: {n: %d}}\n", i, i)
		for _, to := range []int{i + 10, i + 11 - 10*((i%10)/9)} {
			if to < n {
				fmt.Fprintf(&edges, "  - {from: t%03d, to: t%03d}\n", i, to)
			}
		}
	}
	return "name: wide\ntasks:\n" + tasks.String() + "edges:\n" + edges.String()
}
