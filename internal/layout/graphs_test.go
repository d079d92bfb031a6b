package layout_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/graflow/graflow-wasm/engine"
)

// pipeline is a graph of n tasks, each of which leads to one or two of the dozen after
// it: the shape of data pipelines. A seed gives the same one always.
func pipeline(n int, seed uint64) engine.Spec {
	r := rand.New(rand.NewPCG(seed, seed))
	names := []string{"fetch", "parse", "validate_schema", "join", "dedupe", "score", "train-model", "report", "notify", "export"}
	handlers := []string{"wasm", "script", "docker", "builtin", ""}
	s := engine.Spec{Name: fmt.Sprintf("pipeline-%d", n)}
	taken := map[[2]int]bool{}
	for i := range n {
		s.Tasks = append(s.Tasks, engine.Task{ID: fmt.Sprintf("%s-%d", names[r.IntN(len(names))], i), Handler: handlers[r.IntN(len(handlers))]})
		if i == 0 {
			continue
		}
		for range 1 + r.IntN(2) {
			from := max(0, i-1-r.IntN(12))
			if taken[[2]int{from, i}] {
				continue
			}
			taken[[2]int{from, i}] = true
			e := engine.Edge{From: s.Tasks[from].ID, To: s.Tasks[i].ID}
			if r.IntN(12) == 0 {
				e.When = "result.ok == true"
			}
			s.Edges = append(s.Edges, e)
		}
	}
	return s
}

// fan is a task that leads to n others, which lead to one.
func fan(n int) engine.Spec {
	s := engine.Spec{Name: fmt.Sprintf("fan-%d", n), Tasks: []engine.Task{{ID: "split"}, {ID: "merge"}}}
	for i := range n {
		id := fmt.Sprintf("work-%d", i)
		s.Tasks = append(s.Tasks, engine.Task{ID: id, Handler: "wasm"})
		s.Edges = append(s.Edges, engine.Edge{From: "split", To: id}, engine.Edge{From: id, To: "merge"})
	}
	return s
}

// everything is a small graph that has all that a drawing shows.
func everything() engine.Spec {
	return engine.Spec{
		Name:        "everything",
		Description: "what a drawing shows",
		Tasks: []engine.Task{
			{ID: "fetch", Handler: "docker", Spec: json.RawMessage(`{"image":"example/fetch:1"}`), Fallback: "fetch-mirror"},
			{ID: "fetch-mirror", Handler: "docker"},
			{ID: "parse", Handler: "wasm", Spec: json.RawMessage(`{"module":"parser.wasm","export":"parse"}`), Map: "input.pages"},
			{ID: "score", Handler: "script", Spec: json.RawMessage(`{"language":"python"}`), Rollback: "undo", Tools: []string{"lookup"}},
			{ID: "undo"},
			{ID: "lookup", Handler: "script", Spec: json.RawMessage(`{"language":"typescript"}`)},
			{ID: "check", Handler: "builtin"},
			{ID: "again"},
			{ID: "store"},
			{ID: "a_task_with_a_name_that_is_longer_than_what_a_box_may_hold", Handler: "builtin"},
		},
		Groups: []engine.Group{
			{ID: "work", Members: []engine.Member{{ID: "parse", Nodes: []string{"parse"}}, {ID: "inner", Nodes: []string{"inner"}}}, Policy: engine.Policy{BestEffort: true}},
			{ID: "inner", Members: []engine.Member{{ID: "check", Nodes: []string{"score", "check"}}, {ID: "again", Nodes: []string{"again"}}}, Policy: engine.Policy{AtLeast: 1}},
		},
		Edges: []engine.Edge{
			{From: "fetch", To: "work"},
			{From: "score", To: "check"},
			{From: "check", To: "score", When: "result.score < 0.5 && channel.rounds < 3 && input.patience == true"},
			{From: "work", To: "store", When: "result.parse != nil"},
			{From: "work", To: "a_task_with_a_name_that_is_longer_than_what_a_box_may_hold", When: "result.parse == nil"},
			{From: "fetch", To: "store", When: "result.cached"},
		},
	}
}
