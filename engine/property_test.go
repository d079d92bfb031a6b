package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestRandomGraphs: a run of any acyclic graph ends, and runs each task once or
// never, as a reference says that knows nothing of edges' states.
func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		g, err := s.Build()
		if err != nil {
			t.Fatal(err)
		}
		ran, recorder, out := runRandom(t, g, rapid.IntRange(1, 8).Draw(t, "concurrency"))
		runs, reached := reference(s)
		if out.Status != engine.StatusSucceeded || len(out.Pending) > 0 {
			t.Fatalf("status %s, error %v, pending %q", out.Status, out.Error, out.Pending)
		}
		for _, task := range s.Tasks {
			n := len(slices.DeleteFunc(slices.Clone(ran), func(id string) bool { return id != task.ID }))
			if want := count(runs[task.ID]); n != want {
				t.Errorf("%s ran %d times, want %d", task.ID, n, want)
			}
			skipped := slices.ContainsFunc(recorder.Tasks(), func(r engine.TaskReport) bool {
				return r.Task == task.ID && r.Status == engine.StatusSkipped
			})
			if want := reached[task.ID] && !runs[task.ID]; skipped != want {
				t.Errorf("%s skipped: %t, want %t", task.ID, skipped, want)
			}
		}
		checkJoins(t, s, ran, runs)
	})
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
		s.Tasks = append(s.Tasks, engine.Task{ID: fmt.Sprintf("t%d", i), Spec: json.RawMessage(`{"func":"f"}`), Join: join})
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

// runRandom returns "+id" and "id" as the executions begin and end.
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
		note("+" + c.Call.Task.ID)
		note(c.Call.Task.ID)
		return c.Call.Task.ID, nil
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
