package wasm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func newEngine(t *testing.T) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{
		Handlers:    map[string]engine.Handler{"wasm": newHandler(t, wasm.Config{})},
		Concurrency: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// task is an export of the test guest under its own name.
func task(t *testing.T, id, export string) engine.Task {
	t.Helper()
	return engine.Task{ID: id, Handler: "wasm", Spec: marshal(t, guest(t)+"#"+export)}
}

func run(t *testing.T, input any, nodes ...engine.Node) engine.Outcome {
	t.Helper()
	g, err := engine.NewGraph("flow", nodes...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := newEngine(t).Run(t.Context(), g, marshal(t, input))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEngineRuns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		input  any
		nodes  []engine.Node
		status engine.Status
		output string
	}{
		{
			name: "chain", input: "x", status: engine.StatusSucceeded, output: `"x"`,
			nodes: []engine.Node{engine.Seq(task(t, "a", "echo"), task(t, "b", "echo"))},
		},
		{
			name: "group", input: 1, status: engine.StatusSucceeded, output: `{"b":1,"c":1}`,
			nodes: []engine.Node{engine.Seq(task(t, "a", "echo"), engine.Par(task(t, "b", "echo"), task(t, "c", "echo")), task(t, "d", "echo"))},
		},
		{
			name: "iteration", input: 1, status: engine.StatusSucceeded, output: "3",
			nodes: []engine.Node{task(t, "a", "count")},
		},
		{
			name: "terminate", input: "enough", status: engine.StatusSucceeded,
			nodes: []engine.Node{engine.Seq(task(t, "a", "end"), task(t, "b", "crash"))},
		},
		{
			name: "cancel", input: map[string]string{"Cancel": "stop"}, status: engine.StatusCanceled,
			nodes: []engine.Node{engine.Seq(task(t, "a", "fail"), task(t, "b", "crash"))},
		},
		{
			name: "goto", status: engine.StatusSucceeded, output: `"jumped"`,
			input: []abi.NextTask{{ID: "c", Input: json.RawMessage(`"jumped"`)}},
			nodes: []engine.Node{engine.Seq(task(t, "a", "spawn"), task(t, "b", "crash"), task(t, "c", "echo"))},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.input, test.nodes...)
			if got.Status != test.status || test.output != "" && string(got.Output) != test.output {
				t.Errorf("got %s, want %s with %s", marshal(t, got), test.status, test.output)
			}
		})
	}
}

func TestEngineSpawns(t *testing.T) {
	t.Parallel()
	got := run(t, []abi.NextTask{{ID: "new", Spec: json.RawMessage(`"#noop"`)}}, task(t, "a", "spawn"))
	if got.Status != engine.StatusSucceeded || got.Steps != 2 {
		t.Errorf("got %s, want success after 2 steps", marshal(t, got))
	}
	got = run(t, []abi.NextTask{{ID: "new", Spec: json.RawMessage(`"#none"`)}}, task(t, "a", "spawn"))
	if got.Status != engine.StatusFailed || got.Error == nil || !strings.Contains(got.Error.Message, `export "none": no such export`) {
		t.Errorf("got %s, want a failure that names the export", marshal(t, got))
	}
}

func TestEngineTimeout(t *testing.T) {
	t.Parallel()
	spin := task(t, "a", "spin")
	spin.Timeout = engine.Duration(200 * time.Millisecond)
	got := run(t, nil, spin)
	if got.Status != engine.StatusFailed || got.Error == nil || got.Error.Kind != engine.KindTimeout {
		t.Errorf("got %s, want a failure of kind timeout", marshal(t, got))
	}
}

func TestEngineChecks(t *testing.T) {
	t.Parallel()
	bad := task(t, "a", "ehco")
	g, err := engine.NewGraph("flow", bad)
	if err != nil {
		t.Fatal(err)
	}
	err = newEngine(t).Check(t.Context(), g)
	if want := `did you mean "echo"?`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

// BenchmarkRunNoop is a run of one task: what it takes more than
// BenchmarkHandleNoop is the engine's.
func BenchmarkRunNoop(b *testing.B) {
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"wasm": newHandler(b, wasm.Config{})}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close() })
	g, err := engine.NewGraph("flow", engine.Task{ID: "a", Handler: "wasm", Spec: marshal(b, guest(b)+"#noop")})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Check(b.Context(), g); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := e.Run(b.Context(), g, nil); err != nil || got.Status != engine.StatusSucceeded {
			b.Fatal(got.Status, err)
		}
	}
}
