package wasm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

type marking struct {
	Task  int
	Files bool
	Trap  bool
}

// thousandMarks runs 1 000 tasks that leave marks in memory, globals, environment,
// files and file descriptors, some of them trapping after it, two at a time and in
// sandboxes that are used again. None finds another's.
func thousandMarks(t *testing.T) {
	t.Helper()
	const tasks = 1000
	items := make([]marking, tasks)
	for i := range items {
		items[i] = marking{Task: i + 1, Files: i%4 == 1, Trap: i%50 == 7}
	}
	tr := try(t, wasm.Config{}, nil)
	a := hostile(t, "mark", "mark")
	a.Map, a.OnError, a.Grants = "input", engine.OnErrorCollect, json.RawMessage(`{"mounts":[{"memory":true,"guest":"/tmp"}]}`)
	r := tr.start(string(marshal(t, items)), a)
	var ended []struct {
		OK    []string
		Error *engine.TaskError
	}
	if err := json.Unmarshal(tr.wait(r).Output, &ended); err != nil || len(ended) != tasks {
		t.Fatalf("%d have ended, %v, want %d", len(ended), err, tasks)
	}
	for i, e := range ended {
		switch trapped := e.Error != nil && e.Error.Kind == "trap"; {
		case len(e.OK) > 0:
			t.Errorf("task %d found %s", i+1, strings.Join(e.OK, ", "))
		case trapped != items[i].Trap || e.Error == nil && e.OK == nil:
			t.Errorf("task %d ended with %v, %v", i+1, e.OK, e.Error)
		}
	}
	if n := tr.reused(r.ID()); n < tasks/4 {
		t.Errorf("%d tasks ran in sandboxes that were kept: too few to tell", n)
	}
}

// reused counts the tasks whose sandbox was reset for another.
func (t *trial) reused(run string) (n int) {
	t.Helper()
	h, err := t.History(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Tasks {
		if len(r.Ledger) > 0 && ledger(t, r).PagesDirtied > 0 {
			n++
		}
	}
	return n
}

// sameFuel runs a task that draws at random, looks at its clock and collects
// garbage: again and again, beside others, by several engines and handlers. That
// it is the same on other hosts, and in sandboxes of every kind, wasmhost tests.
func sameFuel(t *testing.T) {
	t.Helper()
	a, b := hostile(t, "a", "work"), hostile(t, "b", "work")
	a.Grants = json.RawMessage(`{"random":"seeded","seed":7,"clock":"virtual"}`)
	b.Grants = json.RawMessage(`{"random":"seeded","seed":8,"clock":"virtual"}`)
	type run struct {
		fuel   int64
		output string
	}
	var got []run
	outputs := map[string]bool{}
	again := func(tr *trial) {
		t.Helper()
		r := tr.start(`"input"`, engine.Par(a, b, hostile(t, "c", "work")))
		if out := tr.wait(r); out.Status != engine.StatusSucceeded {
			t.Fatalf("got %s, want success", marshal(t, out))
		}
		report := tr.report(r.ID(), "a")
		got = append(got, run{ledger(t, report).Fuel, string(report.Output)})
		outputs[string(tr.report(r.ID(), "b").Output)] = true
	}
	for range 3 {
		tr := try(t, wasm.Config{}, nil)
		for range 5 {
			again(tr)
		}
	}
	for _, g := range got {
		if g != got[0] || g.fuel == 0 {
			t.Errorf("got %s, want %s each time", fmt.Sprint(g), fmt.Sprint(got[0]))
		}
	}
	if len(outputs) != 1 || outputs[got[0].output] {
		t.Errorf("another seed gave %v, want one thing, and another than %s", outputs, got[0].output)
	}
}
