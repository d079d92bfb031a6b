package console_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// listen opens a stream, and returns a function that returns its next event as "id
// event data".
func (b *browser) listen(t *testing.T, path, last string) func() string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.s.URL+path, nil)
	must(t, err)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	answer, err := b.Do(r)
	must(t, err)
	t.Cleanup(func() { _ = answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("GET %s: %d, %s", path, answer.StatusCode, kind)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func() string {
		event := ""
		for lines.Scan() {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); {
			case name == "data" && strings.HasSuffix(event, "\n"):
				event += value + "\n"
			case name == "data":
				event += " " + value + "\n"
			case name == "id", name == "event":
				event += " " + value
			case lines.Text() == "" && event != "":
				return strings.TrimSpace(event)
			}
		}
		return "over"
	}
}

// await reads events until one has a text.
func await(t *testing.T, next func() string, text string) string {
	t.Helper()
	var all []string
	for {
		e := next()
		all = append(all, e)
		if strings.Contains(e, text) {
			return e
		}
		if e == "over" {
			t.Fatalf("the stream had no %q: %q", text, all)
		}
	}
}

// TestRevoked takes the token back of who follows a run: the stream ends, and the next
// request is asked to log in.
func TestRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var revoked atomic.Bool
	cfg := configOf(s.service)
	cfg.Beat = 10 * time.Millisecond
	cfg.Authenticate = func(token string) (ops.Role, string, bool) {
		if revoked.Load() {
			return "", "", false
		}
		return authenticate(token)
	}
	s.serve(cfg)
	run := s.submit("r", "name: r\ntasks:\n  hold: {direct: {func: wait}}\n", `null`)
	s.holds(run)
	b := s.as(ops.RoleViewer)
	next := b.listen(t, "/runs/r/live?after=0", "")
	await(t, next, "change")
	revoked.Store(true)
	await(t, next, "over")
	if _, body := b.get("/runs"); !strings.Contains(body, "Log in") {
		t.Error("whose token was taken back still sees pages")
	}
	close(s.open)
}

// movedAfterShow is runs of which one moves as soon as it was shown.
type movedAfterShow struct {
	ops.Runs

	move func()
}

func (r movedAfterShow) Show(ctx context.Context, run string) (control.Story, error) {
	story, err := r.Runs.Show(ctx, run)
	r.move()
	return story, err
}

// TestStreamTellsWhatItMeets has a run move while its stream begins: the stream tells so.
func TestStreamTellsWhatItMeets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("r", "name: r\ntasks:\n  hold: {direct: {func: wait}}\n  ask: {builtin: pause, with: {name: go}}\nflow: hold >> ask\n", `null`)
	s.holds(run)
	story, err := s.service.Runs.Show(t.Context(), run)
	must(t, err)
	var page uint64
	for _, n := range story.Timeline {
		page = max(page, n.Seq)
	}
	service := s.service
	service.Runs = movedAfterShow{service.Runs, sync.OnceFunc(func() {
		close(s.open)
		if _, err := s.service.Runs.Follow(t.Context(), run, ops.FollowAll, func(engine.Notice, string) {}); err != nil {
			t.Error(err)
		}
	})}
	s.serve(configOf(service))
	await(t, s.as(ops.RoleViewer).listen(t, fmt.Sprintf("/runs/r/live?after=%d", page), ""), "change")
}

// TestStream wants a stream to tell of changes and lines, also of those since the page
// that asks, none twice, and of the end.
func TestStream(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("r", `name: r
tasks:
  a: {direct: {func: work}, with: {ms: 1, say: "first\n\n<b>line</b>"}}
  hold: {direct: {func: wait}}
  z: {direct: {func: work}, with: {ms: 1, say: "last"}}
flow: a >> hold >> z
`, `null`)
	s.holds(run)
	b := s.as(ops.RoleViewer)
	next := b.listen(t, "/runs/r/live?after=1&log=0", "")
	await(t, next, "change") // the page is of the first event
	line := await(t, next, "log")
	if !strings.Contains(line, "first\n\n&lt;b&gt;line&lt;/b&gt;") || strings.Contains(line, "<b>") {
		t.Errorf("got the line %q", line)
	}
	id, _, _ := strings.Cut(line, " ")
	again := b.listen(t, "/runs/r/live?after=1&log=0", id)
	close(s.open)
	await(t, next, "change")
	await(t, next, "last")
	await(t, next, "end")
	if got := next(); got != "over" {
		t.Errorf("after the end: %q", got)
	}
	for e := again(); e != "over"; e = again() {
		if strings.Contains(e, "first") {
			t.Errorf("who had it is told again: %q", e)
		}
	}
	if status, _ := b.get("/runs/nobody/live"); status != http.StatusNotFound {
		t.Errorf("the stream of no run: %d", status)
	}
}
