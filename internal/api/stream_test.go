package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// told is what an event tells, so that two can be compared; "" of a line of the log,
// which may come a moment later than what it is told with.
func told(tb testing.TB, e event) string {
	tb.Helper()
	var n engine.Notice
	if err := json.Unmarshal([]byte(e.data), &n); err != nil {
		tb.Fatal(err)
	}
	if n.Type == engine.NoticeTaskLog {
		return ""
	}
	return fmt.Sprintf("%s %s %s", n.Type, n.Activation, n.Message)
}

func TestStream(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	run := f.submit(hello, map[string]string{"name": "Ada"})
	all := f.stream("/v1/runs/" + run + "/stream")
	last := all[len(all)-1]
	var texts []string
	for _, e := range all[:len(all)-1] {
		if e.name != "notice" || e.id == "" {
			t.Errorf("got %+v, want a notice with an id", e)
		}
		texts = append(texts, told(t, e))
	}
	for _, want := range []string{"run_started  ", "task_started greet ", "task_succeeded greet ", "run_finished  "} {
		if !slices.Contains(texts, want) {
			t.Errorf("the stream has no %q: %q", want, texts)
		}
	}
	var o engine.Outcome
	if err := json.Unmarshal([]byte(last.data), &o); err != nil || last.name != "outcome" || o.Status != engine.StatusSucceeded {
		t.Errorf("it ended with %+v %v", last, err)
	}
	rest := f.stream("/v1/runs/" + run + "/stream?after=now")
	if len(rest) != 2 || rest[0].name != "place" || rest[0].id == "" || rest[1].name != "outcome" {
		t.Errorf("from now on: %+v, want a place and the outcome alone", rest)
	}
	for _, headers := range [][]string{{"Last-Event-ID", "odd"}, {"Last-Event-ID", "1-2"}} {
		f.want(f.ask("GET", "/v1/runs/"+run+"/stream", nil, headers...), 422, nil)
	}
	f.want(f.ask("GET", "/v1/runs/"+run+"/stream?after=-1", nil), 422, nil)
	f.want(f.ask("HEAD", "/v1/runs/"+run+"/stream", nil), 200, nil)
}

// TestStreamResumes breaks a stream off after each of its events, while the run goes
// on, and goes on with the last id: nothing is lost or told twice.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	f.want(f.ask("PUT", "/v1/flows", many(7)), 200, nil)
	for breakAt := 1; breakAt < 40; breakAt += 3 {
		var begun ops.Submitted
		f.want(f.ask("POST", "/v1/runs", map[string]any{"flow": "many"}), 201, &begun)
		at := "/v1/runs/" + begun.Run + "/stream"
		var got []string
		last, over := "", false
		for !over {
			n := 0
			f.streamTo(at, last, func(e event) bool {
				if e.name == "outcome" {
					over = true
					return false
				}
				if s := told(t, e); s != "" {
					got = append(got, s)
				}
				if e.id != last { // a start has no place of its own
					last = e.id
					n++
				}
				return n < breakAt
			})
		}
		var want []string
		for _, e := range f.stream(at) {
			if s := told(t, e); e.name == "notice" && s != "" {
				want = append(want, s)
			}
		}
		// A start may be told again: it is no event of its own.
		if missing, more := compare(t, want, got); len(missing) > 0 || slices.ContainsFunc(more, func(s string) bool { return !strings.HasPrefix(s, "task_started") }) {
			t.Fatalf("broken off after every %d: lost %q, told twice %q", breakAt, missing, more)
		}
	}
}

// many is a flow of n tasks in a row, that log.
func many(n int) string {
	tasks, flow := "", ""
	for i := range n {
		tasks += fmt.Sprintf("  t%d: {direct: {func: greet}, with: {name: x}}\n", i)
		if i > 0 {
			flow += " >> "
		}
		flow += fmt.Sprintf("t%d", i)
	}
	return "name: many\ntasks:\n" + tasks + "flow: " + flow + "\n"
}

// compare tells what of want is not in got, and what is in got besides.
func compare(tb testing.TB, want, got []string) (missing, more []string) {
	tb.Helper()
	count := map[string]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range got {
		if count[s]--; count[s] < 0 {
			more = append(more, s)
		}
	}
	for s, n := range count {
		if n > 0 {
			missing = append(missing, s)
		}
	}
	return missing, more
}

// follower is runs of which Follow is given.
type follower struct {
	ops.Runs

	follow func(ctx context.Context, f func(engine.Notice, string)) (engine.Outcome, error)
}

func (r follower) Events(context.Context, string, uint64, int) ([]*engine.Event, error) {
	return nil, nil
}

func (r follower) Place(context.Context, string) (string, error) { return "p", nil }

func (r follower) Follow(ctx context.Context, _, _ string, f func(engine.Notice, string)) (engine.Outcome, error) {
	return r.follow(ctx, f)
}

// TestStreamDropsSlow has a client that reads nothing be dropped, so that nobody waits
// for it, and told so once it reads on.
func TestStreamDropsSlow(t *testing.T) {
	t.Parallel()
	ended := make(chan int, 1)
	f := serve(t, api.Config{
		Patience: 100 * time.Millisecond,
		Service: ops.Service{Runs: follower{follow: func(ctx context.Context, tell func(engine.Notice, string)) (engine.Outcome, error) {
			n := 0
			for ; ctx.Err() == nil; n++ {
				tell(engine.Notice{Type: engine.NoticeTaskLog, Message: strings.Repeat("x", 10_000)}, fmt.Sprint(n))
			}
			ended <- n
			return engine.Outcome{}, ctx.Err()
		}}},
	})
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /v1/runs/r/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", f.tokens[ops.RoleViewer])
	select {
	case n := <-ended:
		t.Logf("dropped after %d notices", n)
	case <-time.After(until):
		t.Fatal("the run is followed for a client that does not read")
	}
}

func TestStreamTellsLag(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	f := serve(t, api.Config{
		Patience: 2 * time.Second,
		Service: ops.Service{Runs: follower{follow: func(ctx context.Context, tell func(engine.Notice, string)) (engine.Outcome, error) {
			defer close(told)
			for n := 0; ctx.Err() == nil; n++ {
				tell(engine.Notice{Type: engine.NoticeTaskLog, Message: strings.Repeat("x", 100_000)}, fmt.Sprint(n))
			}
			return engine.Outcome{}, ctx.Err()
		}}},
	})
	r := f.request("GET", "/v1/runs/r/stream", nil, "Authorization", "Bearer "+f.tokens[ops.RoleViewer])
	resp, err := f.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-told // nothing was read so far
	last, seen := "", 0
	err = readEvents(t, resp.Body, func(e event) bool {
		if e.name == "notice" {
			if e.id != fmt.Sprint(seen) {
				t.Errorf("after %d notices comes %s: there is a gap", seen, e.id)
			}
			seen++
		}
		last = e.name
		return true
	})
	// The connection may be past saying it: then it ends.
	if last != "lagged" && (err == nil || !errors.Is(err, io.ErrUnexpectedEOF)) {
		t.Errorf("after %d notices the stream ended with %q, %v", seen, last, err)
	}
}

// TestStreamHeartbeat has a silent stream say that it is there, and end with the server.
func TestStreamHeartbeat(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{
		Heartbeat: 10 * time.Millisecond,
		Service: ops.Service{Runs: follower{follow: func(ctx context.Context, _ func(engine.Notice, string)) (engine.Outcome, error) {
			<-ctx.Done()
			return engine.Outcome{}, ctx.Err()
		}}},
	})
	beats := 0
	f.streamTo("/v1/runs/r/stream?after=now", "", func(e event) bool {
		if e.name == "place" {
			return true
		}
		if e.name != "" || e.data != "still here" {
			t.Errorf("got %+v", e)
		}
		if beats++; beats == 3 {
			f.api.Close()
		}
		return true // until it ends
	})
	if beats < 3 {
		t.Errorf("got %d heartbeats", beats)
	}
}

// TestStreamFault tells of a fault in the midst of a stream, and not of which.
func TestStreamFault(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{Service: ops.Service{Runs: follower{follow: func(_ context.Context, tell func(engine.Notice, string)) (engine.Outcome, error) {
		tell(engine.Notice{Type: engine.NoticeRunStarted}, "1")
		return engine.Outcome{}, errors.New("a disk that is nobody's business")
	}}}})
	all := f.stream("/v1/runs/r/stream")
	if len(all) != 2 || all[1].name != "error" || !strings.Contains(all[1].data, `"status":500`) || strings.Contains(all[1].data, "disk") {
		t.Errorf("got %+v", all)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{
		Streams: 4,
		Service: ops.Service{Runs: follower{follow: func(ctx context.Context, tell func(engine.Notice, string)) (engine.Outcome, error) {
			tell(engine.Notice{Type: engine.NoticeRunStarted}, "1")
			<-ctx.Done()
			return engine.Outcome{}, ctx.Err()
		}}},
	})
	open := func(role ops.Role) *http.Response {
		t.Helper()
		resp, err := f.client.Do(f.request("GET", "/v1/runs/r/stream", nil, "Authorization", "Bearer "+f.tokens[role]))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	var first []*http.Response
	for _, role := range []ops.Role{ops.RoleViewer, ops.RoleViewer, ops.RoleSubmitter, ops.RoleSubmitter} {
		resp := open(role)
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("as %s: got %d", role, resp.StatusCode)
		}
		first = append(first, resp)
	}
	for _, role := range []ops.Role{ops.RoleViewer, ops.RoleOperator} { // half of them are a token's
		r := f.askAs(role, "GET", "/v1/runs/r/stream", nil)
		f.want(r, 429, nil)
		if r.header.Get("Retry-After") == "" {
			t.Error("got no Retry-After")
		}
	}
	first[0].Body.Close()
	for end := time.Now().Add(until); ; { // a place is free once the server has seen it
		resp := open(ops.RoleViewer)
		resp.Body.Close()
		if resp.StatusCode == 200 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a stream that was closed keeps its place")
		}
	}
}
