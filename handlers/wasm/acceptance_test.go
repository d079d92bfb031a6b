package wasm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestAcceptance is section K of the acceptance cases, and those of other sections
// that need guests: real ones, run by the engine.
func TestAcceptance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"F77_guests_beside_other_handlers", guestsBesideOthers},
		{"F81_members_at_once", membersAtOnce},
		{"K110_endless_loop", endlessLoop},
		{"K110_endless_recursion", endlessRecursion},
		{"K111_memory_bomb", memoryBomb},
		{"K112_no_grant", noGrant},
		{"K112_no_mount_no_environment", nothingMounted},
		{"K113_traps", trapsAreTaskErrors},
		{"K114_output", outputIsNoEvent},
		{"K114_reserved_keys", reservedKeys},
		{"K114_next_task", nextTaskReplacesNothing},
		{"K114_ids", idsOfOthers},
		{"K114_kinds_of_failure", kindsOfFailure},
		{"K114_names_of_pauses", namesOfPauses},
		{"K114_references_to_blobs", references},
		{"K114_references_to_nothing", referencesToNothing},
		{"K115_thousand_marks", thousandMarks},
		{"K116_same_fuel", sameFuel},
		{"K117_gauntlet", gauntlet},
		{"K118_secret_values", secretValues},
		{"K119_redirect", redirectElsewhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

// hostile is a task of the guest of these cases.
func hostile(tb testing.TB, id, export string) engine.Task {
	tb.Helper()
	path := guesttest.Build(tb, "testdata/acceptance")
	return engine.Task{ID: id, Handler: "wasm", Spec: marshal(tb, path+"#"+export)}
}

// trial is an engine for one case. It keeps what its runs leave.
type trial struct {
	*testing.T
	*engine.Engine

	backend *engine.Backend

	mu      sync.Mutex // guards notices
	notices []engine.Notice
}

// try makes an engine with the sandbox and what else the case needs.
func try(t *testing.T, config wasm.Config, others map[string]engine.Handler) *trial {
	t.Helper()
	tr := &trial{T: t, backend: engine.InMemory()}
	handlers := maps.Clone(others)
	if handlers == nil {
		handlers = map[string]engine.Handler{}
	}
	handlers["wasm"] = newHandler(t, config)
	e, err := engine.New(engine.Config{
		Handlers: handlers, Backend: tr.backend, Concurrency: 2, Retain: true,
		Observe: func(n engine.Notice) {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			tr.notices = append(tr.notices, n)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	tr.Engine = e
	return tr
}

// start begins a run; what it gets is JSON.
func (t *trial) start(input string, nodes ...engine.Node) *engine.Running {
	t.Helper()
	g, err := engine.NewGraph("flow", nodes...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := t.Start(t.Context(), g, engine.Start{Input: json.RawMessage(input)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (t *trial) wait(r *engine.Running) engine.Outcome {
	t.Helper()
	out, err := r.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (t *trial) run(input string, nodes ...engine.Node) engine.Outcome {
	t.Helper()
	return t.wait(t.start(input, nodes...))
}

// report is how a task of a run ended.
func (t *trial) report(run, task string) engine.TaskReport {
	t.Helper()
	h, err := t.History(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(h.Tasks, func(r engine.TaskReport) bool { return r.Task == task })
	if i < 0 {
		t.Fatalf("task %q has not ended: %s", task, marshal(t, h.Tasks))
	}
	return h.Tasks[i]
}

func (t *trial) wantSucceeded(out engine.Outcome, output string) {
	t.Helper()
	if out.Status != engine.StatusSucceeded || !sameJSON(t.T, out.Output, json.RawMessage(output)) {
		t.Errorf("got %s, want success with %s", marshal(t, out), output)
	}
}

// wantFailed wants an error of a kind whose message has parts.
func (t *trial) wantFailed(out engine.Outcome, kind string, parts ...string) {
	t.Helper()
	if out.Status != engine.StatusFailed || out.Error == nil || out.Error.Kind != kind {
		t.Fatalf("got %s, want a failure of kind %q", marshal(t, out), kind)
	}
	for _, p := range parts {
		if !strings.Contains(out.Error.Message, p) {
			t.Errorf("got %q, want %q in it", out.Error.Message, p)
		}
	}
}

// ledger is what a task's last attempt used.
func ledger(tb testing.TB, r engine.TaskReport) wasmhost.Ledger {
	tb.Helper()
	var l wasmhost.Ledger
	if err := json.Unmarshal(r.Ledger, &l); err != nil {
		tb.Fatal(fmt.Errorf("ledger of %s: %w", r.Task, err))
	}
	return l
}
