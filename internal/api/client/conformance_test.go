package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// functions are those that the flows of the tests name.
func functions() *direct.Handler {
	h := direct.New()
	direct.Func(h, "greet", func(c *direct.Context, in struct{ Name string }) (string, error) {
		c.Log("greeting %s", in.Name)
		return "hello " + in.Name, nil
	})
	direct.Func(h, "ask", func(c *direct.Context, _ any) (bool, error) {
		var yes bool
		err := c.Pause(engine.Pause{Name: "approve", Message: "May I?", Schema: json.RawMessage(`{"type":"boolean"}`)}, &yes)
		return yes, err
	})
	direct.Func(h, "mark", func(c *direct.Context, _ any) (int, error) { return 1, c.Checkpoint("half", nil) })
	direct.Func(h, "fail", func(*direct.Context, any) (string, error) { return "", errors.New("broken") })
	return h
}

const (
	hello = "name: hello\ndescription: greets\ninput: {type: object, required: [name], properties: {name: {type: string}}}\ntasks:\n  greet: {direct: {func: greet}}\n"
	asks  = "name: asks\ntasks:\n  ask: {direct: {func: ask}}\n"
	fails = "name: fails\ntasks:\n  fail: {direct: {func: fail}}\n"
	marks = "name: marks\ntasks:\n  mark: {direct: {func: mark}}\n"
)

// served is an API over a service, and a client of it with a role.
func served(tb testing.TB, s ops.Service, role ops.Role) *client.Client {
	tb.Helper()
	return servedThrough(tb, s, role, func(h http.Handler) http.Handler { return h })
}

// servedThrough is served with something between the two.
func servedThrough(tb testing.TB, s ops.Service, role ops.Role, between func(http.Handler) http.Handler) *client.Client {
	tb.Helper()
	token := api.DrawToken()
	tokens, err := api.ReadTokens(strings.NewReader(api.TokenLine(role, token, "tester")))
	if err != nil {
		tb.Fatal(err)
	}
	server, err := api.New(api.Config{Service: s, Tokens: tokens, Rate: -1})
	if err != nil {
		tb.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewHTTPServer(between(server.Handler()), nil)
	srv.Start()
	c, err := client.New(client.Config{URL: srv.URL, Token: token})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		c.Close()
		server.Close()
		srv.Close()
	})
	return c
}

// transcript is what a service answers, a line for each question.
type transcript struct {
	ctx  context.Context //nolint:containedctx // of one test
	s    ops.Service
	mark string // in all names that are made
	all  []line
}

// line is an answer, and what kinds of error it is.
type line struct {
	text  string
	kinds []error
}

// kinds are the errors that callers branch on.
var kinds = []error{
	engine.ErrNotFound, engine.ErrNoPause, engine.ErrRunExists, engine.ErrFinished, engine.ErrInvalidAnswer, engine.ErrNotRetryable, engine.ErrNotPaused,
	engine.ErrAnswered, control.ErrUnfinished, control.ErrDriven, ops.ErrDenied, ops.ErrLimited, ops.ErrTaken, ops.ErrInUse, ops.ErrUnavailable,
}

var (
	times = regexp.MustCompile(`"[a-z_]+":"\d{4}-\d\d-\d\dT[^"]*",?|"(ledger|metrics)":\{[^{}]*(\{[^{}]*\}[^{}]*)*\},?|"(pid|running|oldest_seconds|seq)":[\d.]+,?`)
	ulids = regexp.MustCompile(`01[0-9A-HJKMNP-TV-Z]{24}`)
)

// note adds an answer, without what differs from time to time.
func (t *transcript) note(deed string, answer any, err error) {
	text, encodeErr := json.Marshal(answer)
	if encodeErr != nil {
		text = []byte(encodeErr.Error())
	}
	var invalid *ops.Invalid
	told, of := string(text), []error(nil)
	if err != nil {
		told = fmt.Sprintf("%d, invalid %t: %s", ops.Status(err), errors.As(err, &invalid), err)
		of = slices.DeleteFunc(slices.Clone(kinds), func(k error) bool { return !errors.Is(err, k) })
	}
	told = strings.ReplaceAll(deed+" → "+told, t.mark, "X")
	told = ulids.ReplaceAllString(times.ReplaceAllString(told, ""), "ULID")
	t.all = append(t.all, line{strings.ReplaceAll(told, ",}", "}"), of})
}

// submit begins a run and follows it to its end or its pause.
func (t *transcript) submit(s ops.Submission) {
	got, err := t.s.Runs.Submit(t.ctx, s)
	t.note("submit "+s.ID, got, err)
	if err == nil {
		t.follow(got.Run)
	}
}

func (t *transcript) follow(run string) {
	var told []string
	o, err := t.s.Runs.Follow(t.ctx, run, ops.FollowAll, func(n engine.Notice, at string) {
		if n.Seq > 0 && n.Type != engine.NoticeTaskStarted {
			told = append(told, fmt.Sprintf("%s %s at %t", n.Type, n.Activation, at != ""))
		}
	})
	t.note("follow "+run, struct {
		Told []string
		engine.Outcome
	}{told, o}, err)
}

// runs asks all that can be asked of runs.
func (t *transcript) runs() {
	r, id := t.s.Runs, t.mark+"/hello world"
	input := json.RawMessage(`{"name": "Ada"}`)
	t.submit(ops.Submission{Target: ops.Target{Source: hello}, ID: id, Input: input})
	t.submit(ops.Submission{Target: ops.Target{Source: hello}, ID: id, Input: input})
	t.submit(ops.Submission{Target: ops.Target{Source: hello}, ID: id, Input: json.RawMessage(`{"name": "Eve"}`)})
	t.submit(ops.Submission{Target: ops.Target{Source: hello}, Input: json.RawMessage(`{}`)})
	t.submit(ops.Submission{Target: ops.Target{Source: "name: x\ntasks: {a: {direct: {func: none}}, b: {bogus: 1}}"}})
	t.submit(ops.Submission{Target: ops.Target{Source: marks}, ID: t.mark + "mark"})
	t.submit(ops.Submission{Target: ops.Target{Source: fails}, ID: t.mark + "fail"})
	t.submit(ops.Submission{Target: ops.Target{Source: asks}, ID: t.mark + "ask"})
	t.submit(ops.Submission{Target: ops.Target{Source: hello}, ID: t.mark + "a", Key: "b"})
	for _, run := range []string{id, t.mark + "fail", t.mark + "none", ".."} {
		story, err := r.Show(t.ctx, run)
		t.note("show "+run, story, err)
		g, err := r.Graph(t.ctx, run)
		t.note("graph "+run, g, err)
		at, err := r.Place(t.ctx, run)
		t.note("place of "+run, at != "", err)
		events, err := r.Events(t.ctx, run, 0, 0)
		types := make([]string, 0, len(events))
		for _, e := range events {
			types = append(types, fmt.Sprintf("%t %s %s", e.Seq > 0, e.Type, e.Activation))
		}
		t.note("events "+run, types, err)
		if err != nil { // a service need not tell that no log is of no run
			continue
		}
		some, err := r.Events(t.ctx, run, events[0].Seq, 1)
		t.note("an event "+run, len(some), err)
		for n, err := range r.Logs(t.ctx, run, 0) {
			t.note("a log of "+run, n.Message, err)
		}
	}
	t.note("cancel what has ended", nil, r.Cancel(t.ctx, id, "why"))
	t.note("cancel what is not there", nil, r.Cancel(t.ctx, t.mark+"none", ""))
	t.note("resume what has ended", nil, r.Resume(t.ctx, id))
	t.note("answer wrongly", nil, r.Answer(t.ctx, t.mark+"ask", "approve", json.RawMessage(`"yes"`)))
	t.note("answer another pause", nil, r.Answer(t.ctx, t.mark+"ask", "other/one", nil))
	t.note("delete what has not ended", nil, r.Delete(t.ctx, t.mark+"ask", false))
	t.note("answer", nil, r.Answer(t.ctx, t.mark+"ask", "approve", json.RawMessage(`true`)))
	t.settle(t.mark + "ask")
	t.note("retry what succeeded", nil, r.Retry(t.ctx, id, engine.RetryFrom{}))
	t.note("retry a task that is none", nil, r.Retry(t.ctx, t.mark+"fail", engine.RetryFrom{Task: "none"}))
	doc, err := r.Export(t.ctx, t.mark+"mark", "half")
	t.note("export", json.Valid(doc), err)
	restored, err := r.Restore(t.ctx, doc, t.mark+"restored")
	t.note("restore", restored, err)
	_, err = r.Restore(t.ctx, []byte(`{"bogus": 1}`), "")
	t.note("restore nothing", nil, err)
	forked, err := r.Fork(t.ctx, t.mark+"mark", "half", t.mark+"forked")
	t.note("fork", forked, err)
	_, err = r.Fork(t.ctx, t.mark+"mark", "none", "")
	t.note("fork from nothing", nil, err)
	_, err = r.Export(t.ctx, t.mark+"none", "")
	t.note("export nothing", nil, err)
	page, err := r.List(t.ctx, ops.RunsQuery{Flows: []string{"fails"}, Statuses: []engine.Status{engine.StatusFailed}, Limit: 1})
	t.note("list", len(page.Runs), err)
	_, err = r.OpenFile(t.ctx, id, "sha256:"+strings.Repeat("0", 64))
	t.note("open no file", nil, err)
	t.note("delete", nil, r.Delete(t.ctx, id, false))
	t.note("delete again", nil, r.Delete(t.ctx, id, false))
}

// settle waits until a run has ended.
func (t *transcript) settle(run string) {
	for t.ctx.Err() == nil {
		if o, err := t.s.Runs.Follow(t.ctx, run, ops.FollowNew, func(engine.Notice, string) {}); err != nil || o.Status != engine.StatusPaused {
			t.note("in the end "+run, o, err)
			return
		}
	}
}

// flows asks all that can be asked of flows.
func (t *transcript) flows() {
	f := t.s.Flows
	source := strings.Replace(hello, "name: hello", "name: "+t.mark, 1)
	g, err := f.Validate(t.ctx, source)
	t.note("validate", g, err)
	_, err = f.Validate(t.ctx, "name: x\ntasks: {a: {bogus: 1}}\nrest: 1\n")
	t.note("validate faults", nil, err)
	put, err := f.Put(t.ctx, source, "tester")
	put.Version, put.Source = "", strings.ReplaceAll(put.Source, t.mark, "X")
	t.note("put", put, err)
	_, err = f.Put(t.ctx, "name: [", "tester")
	t.note("put faults", nil, err)
	shown, err := f.Show(t.ctx, t.mark)
	shown.Version = ""
	t.note("show a flow", shown, err)
	_, err = f.Show(t.ctx, t.mark+"@0000")
	t.note("show another version", nil, err)
	t.submit(ops.Submission{Target: ops.Target{Flow: t.mark}, ID: t.mark + "stored", Input: json.RawMessage(`{"name": "Ada"}`)})
	t.submit(ops.Submission{Target: ops.Target{Flow: "none"}})
	t.note("remove a flow", nil, f.Remove(t.ctx, t.mark))
	t.note("remove it again", nil, f.Remove(t.ctx, t.mark))
	all, err := f.List(t.ctx)
	t.note("list flows", all, err)
}

// modules asks all that can be asked of modules.
func (t *transcript) modules() {
	m := t.s.Modules
	code := wat(t.mark)
	pushed, err := m.Push(t.ctx, ops.ModulePush{Name: t.mark, Version: "1", By: "tester"}, code)
	sum := sha256.Sum256(code)
	t.note("push", pushed.Digest == "sha256:"+hex.EncodeToString(sum[:]), err)
	pushed.Digest, pushed.Description = "", nil
	t.note("pushed", pushed, nil)
	_, err = m.Push(t.ctx, ops.ModulePush{Name: t.mark, Version: "1"}, wat("other"+t.mark))
	t.note("push other bytes", err != nil && errors.Is(err, ops.ErrTaken), nil)
	_, err = m.Push(t.ctx, ops.ModulePush{Name: t.mark, Version: "2"}, []byte("no module"))
	t.note("push no module", nil, err)
	_, err = m.Push(t.ctx, ops.ModulePush{Name: "a b"}, code)
	t.note("push a bad name", nil, err)
	_, err = m.Push(t.ctx, ops.ModulePush{Name: t.mark, Version: "3", Signer: bytes.Repeat([]byte{7}, 32), Signature: bytes.Repeat([]byte{8}, 64)}, code)
	t.note("push with a bad signature", nil, err)
	r, err := m.Open(t.ctx, t.mark+"@1")
	if err == nil {
		data, err := io.ReadAll(r)
		t.note("open", string(data) == string(code), errors.Join(err, r.Close()))
	}
	_, err = m.Open(t.ctx, "none@1")
	t.note("open nothing", nil, err)
	_, err = m.Show(t.ctx, "none")
	t.note("show nothing", nil, err)
	all, err := m.List(t.ctx, false)
	t.note("list modules", len(all), err)
	t.note("remove a module", nil, m.Remove(t.ctx, t.mark+"@1"))
	t.note("remove it again", nil, m.Remove(t.ctx, t.mark+"@1"))
}

// wat is a module with nothing but a memory, a start and a custom section that tells it
// from others.
func wat(name string) []byte {
	head := "\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x04\x01\x02\x00\x0b"
	return []byte(head + "\x00" + string(rune(2+len(name))) + "\x01n" + name)
}

// rest asks for all else.
func (t *transcript) rest() {
	t.submit(ops.Submission{Target: ops.Target{Source: fails}, ID: t.mark}) // which makes a queue
	workers, err := t.s.Workers.List(t.ctx)
	t.note("workers", len(workers) > 0 && workers[0].Node != "", err)
	queues, err := t.s.Queues.List(t.ctx)
	t.note("queues", len(queues) > 0 && queues[0].Queue == "default", err)
	t.note("limit", nil, t.s.Queues.Limit(t.ctx, "default", 0))
	dead, err := t.s.DeadLetters.List(t.ctx, 0, 10)
	t.note("dead letters", len(dead), err)
	_, err = t.s.DeadLetters.Show(t.ctx, 7)
	t.note("show a dead letter", nil, err)
	_, err = t.s.DeadLetters.Retry(t.ctx, 7)
	t.note("retry a dead letter", nil, err)
	t.note("remove a dead letter", nil, t.s.DeadLetters.Remove(t.ctx, 7))
	for range 2 {
		replaced, err := t.s.Secrets.Set(t.ctx, t.mark, []byte("a\x00b"))
		t.note("set a secret", replaced, err)
	}
	_, err = t.s.Secrets.Set(t.ctx, "not a name", []byte("x"))
	t.note("set a bad secret", nil, err)
	secrets, err := t.s.Secrets.List(t.ctx)
	t.note("secrets", secrets, err)
	t.note("remove a secret", nil, t.s.Secrets.Remove(t.ctx, t.mark))
	t.note("remove it again", nil, t.s.Secrets.Remove(t.ctx, t.mark))
	schedule := ops.Schedule{Name: t.mark, Target: ops.Target{Source: hello}, Cron: "0 6 * * 1", Zone: "Europe/Berlin", Paused: true, Input: json.RawMessage(`{"name":"Ada"}`)}
	put, err := t.s.Schedules.Put(t.ctx, schedule)
	t.note("put a schedule", put, err)
	schedule.Cron = "0 6 * *"
	_, err = t.s.Schedules.Put(t.ctx, schedule)
	t.note("put a bad schedule", nil, err)
	resumed, err := t.s.Schedules.Pause(t.ctx, t.mark, false)
	t.note("resume a schedule", resumed.Paused, err)
	shown, err := t.s.Schedules.Show(t.ctx, t.mark)
	t.note("show a schedule", shown, err)
	_, err = t.s.Schedules.Show(t.ctx, "none")
	t.note("show no schedule", nil, err)
	_, err = t.s.Schedules.Trigger(t.ctx, t.mark)
	t.note("trigger", nil, err)
	t.note("remove a schedule", nil, t.s.Schedules.Remove(t.ctx, t.mark))
	t.note("remove it again", nil, t.s.Schedules.Remove(t.ctx, t.mark))
}

// TestConformance: a service answers the same through a server and its client, also
// where it refuses.
func TestConformance(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Config{Direct: functions()}).Service
	asking := served(t, s, ops.RoleOperator).Service()
	for name, ask := range map[string]func(*transcript){
		"runs": (*transcript).runs, "flows": (*transcript).flows, "modules": (*transcript).modules, "rest": (*transcript).rest,
		"sessions": (*transcript).sessions,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := &transcript{ctx: t.Context(), s: s, mark: "direct" + name}
			ask(want)
			got := &transcript{ctx: t.Context(), s: asking, mark: "client" + name}
			ask(got)
			for i := range min(len(got.all), len(want.all)) {
				got, want := got.all[i], want.all[i]
				if got.text != want.text {
					t.Errorf("through the client: %s\nwithout it:         %s", got.text, want.text)
				}
				for _, k := range want.kinds {
					if !slices.Contains(got.kinds, k) {
						t.Errorf("through the client %q is no %q", got.text, k)
					}
				}
			}
			if len(got.all) != len(want.all) {
				t.Errorf("got %d answers, want %d", len(got.all), len(want.all))
			}
			if len(want.all) < 10 {
				t.Errorf("only %d questions were asked", len(want.all))
			}
		})
	}
}

// TestRoles: what a role is not for is refused, and nothing is told of it.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Config{Direct: functions()}).Service
	viewer, submitter := served(t, s, ops.RoleViewer), served(t, s, ops.RoleSubmitter)
	_, err := viewer.Service().Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Source: fails}})
	if !errors.Is(err, ops.ErrDenied) {
		t.Errorf("a viewer submits: %v", err)
	}
	if _, err := submitter.Service().Secrets.Set(t.Context(), "x", []byte("y")); !errors.Is(err, ops.ErrDenied) {
		t.Errorf("a submitter sets a secret: %v", err)
	}
	if _, err := submitter.Service().Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Source: fails}}); err != nil {
		t.Errorf("a submitter submits: %v", err)
	}
	about, err := viewer.About(t.Context())
	if want := (client.About{Version: "test", Namespace: "main", Role: ops.RoleViewer, Name: "tester"}); err != nil || about != want {
		t.Errorf("got %+v, %v; want %+v", about, err, want)
	}
	if _, err := viewer.Service().Runs.List(t.Context(), ops.RunsQuery{}); err != nil {
		t.Errorf("a viewer lists: %v", err)
	}
}

// cutting cuts each stream off after so many bytes, which are more each time.
type cutting struct {
	http.ResponseWriter

	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	n := min(len(p), c.left)
	c.left -= n
	if n, err := c.ResponseWriter.Write(p[:n]); err != nil || c.left > 0 {
		return n, err
	}
	_ = http.NewResponseController(c.ResponseWriter).Flush() // what was written comes
	panic(http.ErrAbortHandler)
}

// Unwrap is for http.ResponseController.
func (c *cutting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// TestFollowThroughCuts: whoever is cut off again and again, in the midst of whatever, is
// told the same as who is not.
func TestFollowThroughCuts(t *testing.T) {
	t.Parallel()
	h := direct.New()
	direct.Func(h, "log", func(c *direct.Context, in any) (any, error) {
		for i := range 5 {
			c.Log("line %d", i)
		}
		return in, nil
	})
	s := clustertest.Start(t, clustertest.Config{Direct: h}).Service
	calls := 0 // one stream at a time
	c := servedThrough(t, s, ops.RoleOperator, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/stream") {
				calls++
				w = &cutting{w, 700 + 37*calls}
			}
			next.ServeHTTP(w, r)
		})
	})
	c.Hurry(func(time.Duration) {})
	source := "name: logs\ntasks:\n"
	for i := range 8 {
		source += fmt.Sprintf("  t%d: {direct: {func: log}}\n", i)
	}
	if _, err := s.Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Source: source + "flow: t0 >> t1 >> (t2 | t3 | t4) >> t5 >> t6 >> t7\n"}, ID: "r"}); err != nil {
		t.Fatal(err)
	}
	told := func(s ops.Runs) map[string]int {
		all := map[string]int{}
		o, err := s.Follow(t.Context(), "r", ops.FollowAll, func(n engine.Notice, _ string) {
			if n.Type != engine.NoticeTaskStarted { // which may come late, with the end of its attempt
				all[fmt.Sprint(n.Type, n.Activation, n.Task, n.Message)]++
			}
		})
		if err != nil || o.Status != engine.StatusSucceeded {
			t.Errorf("got %+v, %v; want it succeeded", o, err)
		}
		return all
	}
	got, want := told(c.Service().Runs), told(s.Runs)
	if !maps.Equal(got, want) || len(want) < 8*7 {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if calls < 5 {
		t.Errorf("it was cut off %d times", calls)
	}
}
