package flowfile_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

const placed = `name: placed
defaults: {queue: slow, priority: low, requires: {zone: b}}
tasks:
  a: {wasm: m.wasm, queue: fast, priority: high, requires: {gpu: "1", "nvidia.com/gpu": a100}}
  b: {wasm: m.wasm}
  c: {wasm: m.wasm, requires: {}}
  d: {builtin: now}
  e: {flow: {tasks: {x: {wasm: m.wasm, queue: inner}, y: {wasm: m.wasm}}}}
`

func TestPlacing(t *testing.T) {
	t.Parallel()
	f, err := flowfile.Parse("placed.flow.yaml", []byte(placed))
	if err != nil {
		t.Fatal(err)
	}
	sub := inner(t, f.Spec.Tasks[4])
	for i, want := range []engine.Task{
		{Queue: "fast", Priority: engine.PriorityHigh, Requires: map[string]string{"gpu": "1", "nvidia.com/gpu": "a100"}},
		{Queue: "slow", Priority: engine.PriorityLow, Requires: map[string]string{"zone": "b"}},
		{Queue: "slow", Priority: engine.PriorityLow},
		{Queue: "slow", Priority: engine.PriorityLow}, // no worker is more than a built-in task needs
		{},
		{Queue: "inner", Priority: engine.PriorityLow, Requires: map[string]string{"zone": "b"}},
		{Queue: "slow", Priority: engine.PriorityLow, Requires: map[string]string{"zone": "b"}},
	} {
		got := append(f.Spec.Tasks[:5:5], sub.Tasks...)[i]
		if got.Queue != want.Queue || got.Priority != want.Priority || !maps.Equal(got.Requires, want.Requires) {
			t.Errorf("%s: got %q %q %v, want %q %q %v", got.ID, got.Queue, got.Priority, got.Requires, want.Queue, want.Priority, want.Requires)
		}
	}
	checkRoundTrip(t, f.Spec)
	if err := validate(t, compiledSchema(t), placed); err != nil {
		t.Errorf("the schema says %v", err)
	}
	text, err := flowfile.Print(f.Spec)
	if want := `"queue":"fast","priority":"high","requires":{"gpu":"1","nvidia.com/gpu":"a100"}`; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("got %s, %v, want %s in it", text, err, want)
	}
}

func TestPlacingFaults(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for options, want := range map[string]string{
		`queue: "a b"`:                `x:3:14: "a b": want a name of letters, digits, _ and -`,
		`queue: 3`:                    `x:3:14: want a string, not 3`,
		`priority: hgih`:              `x:3:17: want one of high, normal, low, not "hgih" (did you mean "high"?)`,
		`priority: 1`:                 `x:3:17: want one of high, normal, low, not 1`,
		`requires: gpu`:               `x:3:17: want a mapping of labels to values, as {gpu: "1"}, not "gpu"`,
		`requires: {gpu: 1}`:          `x:3:23: requires.gpu: want a string, not 1; quote it to make it one`,
		`requires: {gpu: ""}`:         `x:3:23: "": want a value of letters, digits, _, -, . and /, at most 64`,
		`requires: {"": "1"}`:         `label "": want a name of letters, digits, _, -, . and /, at most 64`,
		`requires: {"a,b": x, c: =}`:  `label "a,b": want a name`,
		`prioritiy: high`:             `x:3:7: task "a": unknown key "prioritiy" (did you mean "priority"?)`,
		`requires: {gpu: [a], k: {}}`: `x:3:23: requires.gpu: want a string, not a list`,
	} {
		file := "name: x\ntasks:\n  a: {" + options + ", wasm: m.wasm}\n"
		if _, err := flowfile.Parse("x", []byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", options, err, want)
		}
		if !strings.HasPrefix(options, "prioritiy") && validate(t, schema, file) == nil {
			t.Errorf("the schema permits %s", options)
		}
	}
	for _, file := range []string{
		"name: x\ndefaults: {priority: hgih}\ntasks: {a: {wasm: m.wasm}}\n",
		"name: x\ntasks: {a: {queue: q, flow: {tasks: {b: {builtin: now}}}}}\n",
	} {
		if _, err := flowfile.Parse("x", []byte(file)); err == nil {
			t.Errorf("%s: there is nothing wrong with it", file)
		}
	}
}
