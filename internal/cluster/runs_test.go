package cluster_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

const hello = `name: hello
description: greets
input: {type: object, required: [name], properties: {name: {type: string}}}
tasks:
  greet: {direct: {func: greet}}
`

// greeter has functions for tests: greet, ask which pauses, and flaky which fails until
// it is mended.
func greeter(mended <-chan struct{}) *direct.Handler {
	h := direct.New()
	direct.Func(h, "greet", func(c *direct.Context, in struct{ Name string }) (string, error) {
		c.Log("greeting %s", in.Name)
		return "hello " + in.Name, nil
	})
	direct.Func(h, "ask", func(c *direct.Context, _ any) (bool, error) {
		var yes bool
		err := c.Pause(engine.Pause{Name: "approve", Message: "May I?"}, &yes)
		return yes, err
	})
	direct.Func(h, "flaky", func(*direct.Context, any) (string, error) {
		select {
		case <-mended:
			return "mended", nil
		default:
			return "", errors.New("broken")
		}
	})
	return h
}

func submit(t *testing.T, s ops.Service, sub ops.Submission) ops.Submitted {
	t.Helper()
	got, err := s.Runs.Submit(t.Context(), sub)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// follow follows a run to its end, and tells what happened.
func follow(t *testing.T, s ops.Service, run, after string) (engine.Outcome, []string, []string) {
	t.Helper()
	var texts, places []string
	o, err := s.Runs.Follow(t.Context(), run, after, func(n engine.Notice, at string) {
		texts = append(texts, fmt.Sprintf("%s %s %s", n.Type, n.Task, n.Message))
		places = append(places, at)
	})
	if err != nil {
		t.Fatal(err)
	}
	return o, texts, places
}

func TestSubmitAndFollow(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Config{Direct: greeter(nil)}).Service
	begun := submit(t, s, ops.Submission{Target: ops.Target{Source: hello}, Input: json.RawMessage(`{"name":"Ada"}`), Key: "k"})
	o, texts, places := follow(t, s, begun.Run, ops.FollowAll)
	if o.Status != engine.StatusSucceeded || string(o.Output) != `"hello Ada"` {
		t.Fatalf("it came to %s %s", o.Status, o.Output)
	}
	for _, want := range []string{"run_started  ", "task_started greet ", "task_log greet greeting Ada", "task_succeeded greet ", "run_finished  "} {
		if n := count(texts, want); n != 1 {
			t.Errorf("%q was told %d times in %q, want once", want, n, texts)
		}
	}
	again := submit(t, s, ops.Submission{Target: ops.Target{Source: hello}, Input: json.RawMessage(`{ "name": "Ada" }`), Key: "k"})
	if again.Run != begun.Run || !again.Existed || again.Status != engine.StatusSucceeded {
		t.Errorf("the same key again: %+v", again)
	}
	_, err := s.Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Source: hello}, Input: json.RawMessage(`{"name":"Bob"}`), Key: "k"})
	if !errors.Is(err, engine.ErrRunExists) {
		t.Errorf("the same key with another input: %v, want ErrRunExists", err)
	}
	for i := range places { // from each place on there is what came after it, once
		_, rest, _ := follow(t, s, begun.Run, places[i])
		isStart := func(text string) bool { return strings.HasPrefix(text, "task_started") } // which may come again
		got := slices.DeleteFunc(slices.Concat(texts[:i+1], rest), isStart)
		want := slices.DeleteFunc(slices.Clone(texts), isStart)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("from %s on, after %q: %q", places[i], texts[i], rest)
		}
	}
	if o, texts, _ := follow(t, s, begun.Run, ops.FollowNew); len(texts) != 0 || o.Status != engine.StatusSucceeded {
		t.Errorf("after its end: %s %q", o.Status, texts)
	}
}

func count(all []string, one string) (n int) {
	for _, s := range all {
		if s == one {
			n++
		}
	}
	return n
}

func TestSubmitFaults(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Config{Idle: true, Direct: greeter(nil)}).Service
	for name, test := range map[string]struct {
		sub   ops.Submission
		where string
		text  string
	}{
		"nothing":        {text: "give one of"},
		"two":            {sub: ops.Submission{Target: ops.Target{Source: hello, Flow: "hello"}}, text: "give one of"},
		"bad yaml":       {sub: ops.Submission{Target: ops.Target{Source: "name: [\n"}}, where: "1:"},
		"unknown key":    {sub: ops.Submission{Target: ops.Target{Source: "name: x\ntasks:\n  a: {dirict: b}\n"}}, where: "3:"},
		"a file":         {sub: ops.Submission{Target: ops.Target{Source: "name: x\ntasks:\n  a: {wasm: ./a.wasm}\n"}}, where: "3:"},
		"no module":      {sub: ops.Submission{Target: ops.Target{Source: "name: x\ntasks:\n  a: {wasm: nobody}\n"}}, where: "3:"},
		"bad graph":      {sub: ops.Submission{Target: ops.Target{Graph: json.RawMessage(`{"tusks":[]}`)}}, where: "graph"},
		"cycle":          {sub: ops.Submission{Target: ops.Target{Graph: json.RawMessage(`{"name":"x","tasks":[]}`)}}, text: "task"},
		"input":          {sub: ops.Submission{Target: ops.Target{Source: hello}, Input: json.RawMessage(`{}`)}, where: "input"},
		"id":             {sub: ops.Submission{Target: ops.Target{Source: hello}, ID: "-x", Input: json.RawMessage(`{"name":"A"}`)}, where: "id"},
		"id and key":     {sub: ops.Submission{Target: ops.Target{Source: hello}, ID: "x", Key: "y"}, where: "idempotency_key"},
		"limits of flow": {sub: ops.Submission{Target: ops.Target{Source: hello}, Limits: json.RawMessage(`{}`)}, where: "export"},
	} {
		_, err := s.Runs.Submit(t.Context(), test.sub)
		var invalid *ops.Invalid
		if !errors.As(err, &invalid) || !strings.HasPrefix(invalid.Faults[0].Where, test.where) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := s.Runs.Submit(t.Context(), ops.Submission{Target: ops.Target{Flow: "nobody"}}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a flow that nobody stored: %v", err)
	}
	for _, bad := range []string{"1", "1-2", "1-2-3-4", "x-1-2", "-1-1-1", "01-1-1"} {
		if _, err := s.Runs.Follow(t.Context(), "r", bad, nil); ops.Status(err) != 422 {
			t.Errorf("follow after %q: %v", bad, err)
		}
	}
	if _, err := s.Runs.Follow(t.Context(), "nobody", "", nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("follow nobody: %v", err)
	}
}

func TestSteer(t *testing.T) {
	t.Parallel()
	mended := make(chan struct{})
	s := clustertest.Start(t, clustertest.Config{Direct: greeter(mended)}).Service
	asks := submit(t, s, ops.Submission{Target: ops.Target{Source: "name: asks\ntasks:\n  a: {direct: {func: ask}}\n"}})
	if o, _, _ := follow(t, s, asks.Run, ""); o.Status != engine.StatusPaused {
		t.Fatalf("it is %s, want it to wait", o.Status)
	}
	open := ops.RunsQuery{Statuses: []engine.Status{engine.StatusPaused, engine.StatusRunning}}
	if page, err := s.Runs.List(t.Context(), open); err != nil || len(page.Runs) != 1 || page.Runs[0].Run != asks.Run || page.Runs[0].Flow != "asks" {
		t.Errorf("what has not ended is %+v, %v", page, err)
	}
	listed(t, s, asks.Run, ops.RunsQuery{Statuses: []engine.Status{engine.StatusPaused}})
	if err := s.Runs.Answer(t.Context(), asks.Run, "nope", json.RawMessage("true")); ops.Status(err) != 404 {
		t.Errorf("answer another pause: %v", err)
	}
	if err := s.Runs.Answer(t.Context(), asks.Run, "approve", json.RawMessage("true")); err != nil {
		t.Fatal(err)
	}
	ended(t, s, asks.Run, engine.StatusSucceeded)
	fails := submit(t, s, ops.Submission{Target: ops.Target{Source: "name: fails\ntasks:\n  a: {direct: {func: flaky}}\n"}})
	ended(t, s, fails.Run, engine.StatusFailed)
	close(mended)
	if err := s.Runs.Retry(t.Context(), fails.Run, engine.RetryFrom{}); err != nil {
		t.Fatal(err)
	}
	ended(t, s, fails.Run, engine.StatusSucceeded)
	if err := s.Runs.Cancel(t.Context(), fails.Run, "late"); ops.Status(err) != 409 {
		t.Errorf("cancel what has ended: %v", err)
	}
	forked, err := s.Runs.Fork(t.Context(), fails.Run, "", "again")
	if ops.Status(err) != 404 && (err != nil || forked != "again") {
		t.Errorf("fork: %q, %v", forked, err)
	}
	listed(t, s, fails.Run, ops.RunsQuery{Flows: []string{"fails"}, Statuses: []engine.Status{engine.StatusSucceeded}})
	if err := s.Runs.Delete(t.Context(), fails.Run, false); err != nil {
		t.Error(err)
	}
	if _, err := s.Runs.Show(t.Context(), fails.Run); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("show what was removed: %v", err)
	}
}

// listed waits for a list to have a run: what has changed just now it may have a moment
// later.
func listed(t *testing.T, s ops.Service, run string, q ops.RunsQuery) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		page, err := s.Runs.List(t.Context(), q)
		switch {
		case err != nil:
			t.Fatal(err)
		case slices.ContainsFunc(page.Runs, func(r control.Summary) bool { return r.Run == run }):
			return
		case time.Now().After(end):
			t.Fatalf("%+v lists %+v, want run %s", q, page, run)
		}
	}
}

// ended follows a run until it stands so.
func ended(t *testing.T, s ops.Service, run string, want engine.Status) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		if _, err := s.Runs.Follow(t.Context(), run, ops.FollowNew, func(engine.Notice, string) {}); err != nil {
			t.Fatal(err)
		}
		story, err := s.Runs.Show(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if story.Status == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("run %s is %s, want %s", run, story.Status, want)
		}
	}
}
