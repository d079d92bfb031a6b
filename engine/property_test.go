package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestRandomGraphs: a run of any acyclic graph ends, and runs each task once or
// never, as a reference says that knows nothing of edges' states. A task that
// fails and has a fallback counts as run when that has: once, after all attempts.
func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		g := build(t, s)
		ran, recorder, out := runRandom(t, g, rapid.IntRange(1, 8).Draw(t, "concurrency"))
		runs, reached := reference(s)
		if out.Status != engine.StatusSucceeded || len(out.Pending) > 0 {
			t.Fatalf("status %s, error %v, pending %q", out.Status, out.Error, out.Pending)
		}
		for _, task := range s.Tasks {
			if n, want := occurrences(ran, task.ID), count(runs[task.ID]); n != want {
				t.Errorf("%s ran %d times, want %d", task.ID, n, want)
			}
			if n, want := occurrences(ran, "+"+task.ID), count(runs[task.ID])*attempts(task); n != want {
				t.Errorf("%s had %d attempts, want %d", task.ID, n, want)
			}
			skipped := slices.ContainsFunc(recorder.Tasks(), func(r engine.TaskReport) bool {
				return r.Task == task.ID && r.Status == engine.StatusSkipped
			})
			if want := reached[task.ID] && !runs[task.ID]; skipped != want {
				t.Errorf("%s skipped: %t, want %t", task.ID, skipped, want)
			}
		}
		if slices.Contains(ran, "undo") {
			t.Error("a rollback ran beside a fallback")
		}
		checkJoins(t, s, ran, runs)
	})
}

// TestRandomFailures: however many tasks of a run fail, with or without a
// fallback that helps, each activation that began ends once, and has its rollback
// run once if it did not succeed, else never.
func TestRandomFailures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		for i := range s.Tasks {
			task := &s.Tasks[i]
			task.Rollback = "undo"
			if rapid.IntRange(0, 3).Draw(t, "hopeless") == 0 {
				task.Spec, task.Fallback = json.RawMessage(`{"func":"fail"}`), rapid.SampledFrom([]string{"", "vain"}).Draw(t, "fallback")
			}
		}
		g := build(t, s)
		_, recorder, out := runRandom(t, g, rapid.IntRange(1, 8).Draw(t, "concurrency"))
		ends := map[string]engine.Status{}
		for _, r := range recorder.Tasks() {
			if _, again := ends[r.Activation]; again {
				t.Errorf("%s ended twice", r.Activation)
			}
			ends[r.Activation] = r.Status
		}
		failed := false
		for id, status := range ends {
			_, undone := ends[id+"!rollback"]
			switch {
			case strings.Contains(id, "!"):
			case status == engine.StatusFailed && !undone, status == engine.StatusSucceeded && undone, status == engine.StatusSkipped && undone:
				t.Errorf("%s ended as %s, rolled back: %t", id, status, undone)
			}
			failed = failed || status == engine.StatusFailed && !strings.Contains(id, "!")
		}
		if failed != (out.Status == engine.StatusFailed) {
			t.Errorf("status %s, ends %v", out.Status, ends)
		}
	})
}

func occurrences(in []string, what string) int {
	n := 0
	for _, s := range in {
		n += count(s == what)
	}
	return n
}

// attempts is how often a task of drawSpec is tried.
func attempts(t engine.Task) int {
	if t.Fallback != "" {
		return 1 + t.Retry.Max
	}
	return 1
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

func drawSpec(t *rapid.T) *engine.Spec {
	n := rapid.IntRange(1, 12).Draw(t, "tasks")
	s := &engine.Spec{Name: "random"}
	for i := range n {
		join := rapid.SampledFrom([]engine.Join{engine.JoinAll, engine.JoinAll, engine.JoinAny}).Draw(t, "join")
		task := engine.Task{ID: fmt.Sprintf("t%d", i), Spec: json.RawMessage(`{"func":"f"}`), Join: join}
		if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
			task.Spec, task.Fallback, task.Rollback = json.RawMessage(`{"func":"fail"}`), "spare", "undo"
			task.Retry = &engine.Retry{Max: rapid.IntRange(0, 2).Draw(t, "retries")}
		}
		s.Tasks = append(s.Tasks, task)
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			when := rapid.SampledFrom([]string{"none", "none", "none", "", "", "true", "false"}).Draw(t, "edge")
			if when != "none" {
				s.Edges = append(s.Edges, engine.Edge{From: s.Tasks[i].ID, To: s.Tasks[j].ID, When: when})
			}
		}
	}
	order := rapid.Permutation(s.Edges).Draw(t, "order")
	s.Edges = order
	if rapid.Bool().Draw(t, "named start") {
		s.Start = []string{rapid.SampledFrom(s.Tasks).Draw(t, "start").ID}
	}
	return s
}

// build adds the tasks that are named as fallbacks and rollbacks.
func build(t *rapid.T, s *engine.Spec) *engine.Graph {
	g := *s
	for id, function := range map[string]string{"spare": "f", "vain": "fail", "undo": "f"} {
		if slices.ContainsFunc(s.Tasks, func(t engine.Task) bool { return t.Fallback == id || t.Rollback == id }) {
			g.Tasks = append(slices.Clip(g.Tasks), engine.Task{ID: id, Spec: json.RawMessage(`{"func":"` + function + `"}`)})
		}
	}
	built, err := g.Build()
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// runRandom returns "+id" and "id" as the executions begin and end; "id" of a
// task that fails is the end of its fallback.
func runRandom(t *rapid.T, g *engine.Graph, concurrency int) ([]string, *engine.Recorder, engine.Outcome) {
	var mu sync.Mutex
	var ran []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		ran = append(ran, what)
	}
	h := direct.New()
	direct.Func(h, "f", func(c *direct.Context, _ json.RawMessage) (string, error) {
		if id, ok := strings.CutSuffix(c.Call.Activation, "!fallback"); ok {
			note(id)
			return id, nil
		}
		note("+" + c.Call.Task.ID)
		note(c.Call.Task.ID)
		return c.Call.Task.ID, nil
	})
	direct.Func(h, "fail", func(c *direct.Context, _ json.RawMessage) (string, error) {
		note("+" + c.Call.Task.ID)
		return "", errBoom
	})
	recorder := engine.NewRecorder()
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Concurrency: concurrency, Observe: recorder.Observe})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err := e.Run(ctx, g, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ran, recorder, out
}

// reference tells which tasks run, and which the starts lead to at all. Tasks
// are in topological order.
func reference(s *engine.Spec) (runs, reached map[string]bool) {
	runs, reached = map[string]bool{}, map[string]bool{}
	for _, task := range s.Tasks {
		root := !slices.ContainsFunc(s.Edges, func(e engine.Edge) bool { return e.To == task.ID })
		if len(s.Start) > 0 {
			root = s.Start[0] == task.ID
		}
		runs[task.ID], reached[task.ID] = root, root
		for _, e := range s.Edges {
			if e.To == task.ID {
				reached[task.ID] = reached[task.ID] || reached[e.From]
				runs[task.ID] = runs[task.ID] || runs[e.From] && e.When != "false"
			}
		}
	}
	return runs, reached
}

// checkJoins wants a task to begin after all, or any, of those that lead to it.
func checkJoins(t *rapid.T, s *engine.Spec, ran []string, runs map[string]bool) {
	for _, task := range s.Tasks {
		if !runs[task.ID] {
			continue
		}
		begun := slices.Index(ran, "+"+task.ID)
		sources, before, alive := 0, 0, false
		for _, e := range s.Edges {
			if e.To == task.ID && runs[e.From] {
				sources++
				if slices.Index(ran, e.From) < begun {
					before++
					alive = alive || e.When != "false"
				}
			}
		}
		if task.Join != engine.JoinAny && before < sources || sources > 0 && !alive {
			t.Errorf("%s began after %d of %d: %q", task.ID, before, sources, ran)
		}
	}
}
