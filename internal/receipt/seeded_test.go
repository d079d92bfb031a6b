package receipt_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/receipt"
)

func build(t *testing.T, text string) *engine.Graph {
	t.Helper()
	f, err := flowfile.Parse("test.flow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

const mixed = `
name: mixed
tasks:
  guest: {wasm: "./lib/guest.wasm#one"}
  code: {script: {language: python, code: "1"}}
  real: {wasm: "./lib/guest.wasm#two", grants: {clock: real, random: secure}}
  own: {wasm: "./lib/guest.wasm#two", grants: {random: seeded, seed: 5}}
  now: {builtin: now}
  image: {docker: {image: "debian:12", command: ["true"]}}
  inner:
    flow:
      tasks:
        guest: {wasm: "./lib/guest.wasm#one"}
`

func grantsOf(t *testing.T, g *engine.Graph, task string) map[string]any {
	t.Helper()
	var grants map[string]any
	if raw := g.Task(task).Grants; raw != nil {
		if err := json.Unmarshal(raw, &grants); err != nil {
			t.Fatal(err)
		}
	}
	return grants
}

func TestSeeded(t *testing.T) {
	t.Parallel()
	plain := build(t, mixed)
	before := plain.Digest()
	g, err := receipt.Seeded(plain, 1234)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Digest() != before {
		t.Error("the graph that was given has changed")
	}
	for task, want := range map[string]string{"guest": "virtual seeded", "code": "virtual seeded", "real": "real secure", "own": "virtual seeded"} {
		grants := grantsOf(t, g, task)
		clock, _ := grants["clock"].(string)
		random, _ := grants["random"].(string)
		if clock+" "+random != want {
			t.Errorf("%s has clock and random %q, want %q", task, clock+" "+random, want)
		}
	}
	if seed := grantsOf(t, g, "own")["seed"]; seed != 5.0 {
		t.Errorf("a seed of its own became %v", seed)
	}
	if grantsOf(t, g, "guest")["seed"] == grantsOf(t, g, "code")["seed"] {
		t.Error("two tasks draw the same numbers")
	}
	if got := string(g.Task("guest").Spec); !strings.Contains(got, `"name":"guest.wasm"`) {
		t.Errorf("its guest may see where its module lies: %s", got)
	}
	if len(grantsOf(t, g, "now"))+len(grantsOf(t, g, "image")) > 0 {
		t.Error("tasks outside of the sandbox were granted something")
	}
	if !bytes.Contains(g.Task("inner").Spec, []byte("virtual")) {
		t.Errorf("tasks of a sub-flow are not repeatable: %s", g.Task("inner").Spec)
	}
}

// The seed of a graph is told by the graph.
func TestSeedIn(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{0, 1, 1 << 40, receipt.MaxSeed} {
		g, err := receipt.Seeded(build(t, mixed), seed)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := receipt.SeedIn(g); !ok || got != seed {
			t.Errorf("seed %d: got %d, %v", seed, got, ok)
		}
	}
	if _, ok := receipt.SeedIn(build(t, "name: x\ntasks:\n  t: {builtin: now}\n")); ok {
		t.Error("a seed was found where there is none")
	}
}

// The flow of a receipt is the same wherever its modules lie, and another with others.
func TestPinned(t *testing.T) {
	t.Parallel()
	digest := func(sum string) func(string) (string, error) {
		return func(string) (string, error) { return "sha256:" + strings.Repeat(sum, 64), nil }
	}
	pin := func(text, sum string) string {
		g, err := receipt.Seeded(build(t, text), 1)
		if err == nil {
			g, err = receipt.Pinned(g, digest(sum))
		}
		if err != nil {
			t.Fatal(err)
		}
		return g.Digest()
	}
	here := pin(mixed, "a")
	if there := pin(strings.ReplaceAll(mixed, "./lib/", "/srv/other/"), "a"); there != here {
		t.Error("it is another flow where its modules lie elsewhere")
	}
	if other := pin(mixed, "b"); other == here {
		t.Error("it is the same flow with another module")
	}
	lost := errors.New("lost")
	if _, err := receipt.Pinned(build(t, mixed), func(string) (string, error) { return "", lost }); !errors.Is(err, lost) {
		t.Errorf("%v, want %v", err, lost)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	steady := `"clock": "virtual", "random": "seeded", "seed": 1`
	for _, test := range []struct {
		task engine.Task
		want string // a word of why; "" is reproducible
	}{
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{` + steady + `}`)}, ""},
		{engine.Task{Handler: "script", Spec: json.RawMessage(`{}`), Grants: json.RawMessage(`{` + steady + `}`)}, ""},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{` + steady + `, "mounts": [{"memory": true, "guest": "/tmp"}], "http": [], "env": {"A": "b"}}`)}, ""},
		{engine.Task{Handler: "wasm", Tools: []string{"x"}, Grants: json.RawMessage(`{` + steady + `}`)}, ""},
		{engine.Task{Handler: "wasm", Tools: []string{"x"}}, "without a receipt"},
		{engine.Task{Handler: "builtin", Spec: json.RawMessage(`"sleep"`)}, ""},
		{engine.Task{Handler: "builtin", Spec: json.RawMessage(`{"name": "pause"}`)}, ""},
		{engine.Task{Handler: "wasm"}, "clock"},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{"clock": "virtual"}`)}, "randomness"},
		{engine.Task{Handler: "wasm", Secrets: []string{"x"}, Grants: json.RawMessage(`{` + steady + `}`)}, "secrets"},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{` + steady + `, "secrets": ["x"]}`)}, "secrets"},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{` + steady + `, "http": ["example.com"]}`)}, "HTTP"},
		{engine.Task{Handler: "wasm", Tools: []string{"x"}, Grants: json.RawMessage(`{"mounts": [{"host": "/", "guest": "/x"}]}`)}, "directories"},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`{` + steady + `, "tools": ["*"]}`)}, "tools"},
		{engine.Task{Handler: "script", Spec: json.RawMessage(`{"with": ["lib"]}`), Grants: json.RawMessage(`{` + steady + `}`)}, "imports"},
		{engine.Task{Handler: "wasm", Grants: json.RawMessage(`[]`)}, "grants"},
		{engine.Task{Handler: "builtin", Spec: json.RawMessage(`"now"`)}, "clock"},
		{engine.Task{Handler: "builtin", Spec: json.RawMessage(`"uuid"`)}, "random"},
		{engine.Task{Handler: "docker"}, "container"},
		{engine.Task{}, "embeds"},
		{engine.Task{Handler: "other"}, "other"},
	} {
		got := receipt.Judge(&test.task)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%+v: %q, want %q", test.task, got, test.want)
		}
	}
}

// FuzzJournaled holds the quick look at a value against what json.Marshal does.
func FuzzJournaled(f *testing.F) {
	for _, text := range []string{`{"a": 1}`, `"a b"`, `"<&>"`, "\"\u2028\"", `"\\\" "`, `[1,2]`, `"é"`, "1 "} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got := receipt.Journaled(value)
		want, err := json.Marshal(json.RawMessage(value))
		if err != nil {
			return
		}
		if len(value) > 0 && !bytes.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	})
}
