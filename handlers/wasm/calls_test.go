package wasm_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// TestLanguagesCallTasks has a guest of each language call tasks of its flow, one and
// several at once, which are executed in the run.
func TestLanguagesCallTasks(t *testing.T) {
	t.Parallel()
	eachLanguage(t, func(t *testing.T, module string) {
		t.Helper()
		task := func(id, export string, tools ...string) engine.Task {
			return engine.Task{ID: id, Handler: "wasm", Spec: marshal(t, module+"#"+export), Tools: tools}
		}
		one, many := task("one", "tool", "echo"), task("many", "tools", "echo", "iterate")
		one.With = map[string]json.RawMessage{"name": json.RawMessage(`"echo"`), "args": json.RawMessage(`{"a":[1,"grüße"]}`)}
		g, err := (&engine.Spec{
			Name: "calls", Tasks: []engine.Task{one, many, task("echo", "echo"), task("iterate", "iterate")},
		}).Build()
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"wasm": newHandler(t, wasm.Config{})}, Concurrency: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		}()
		out, err := e.Run(t.Context(), g, json.RawMessage(`[{"name":"echo","args":7},{"name":"iterate","args":1},{"name":"none","args":0}]`))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			One  json.RawMessage
			Many []json.RawMessage
		}
		if err := json.Unmarshal(out.Output, &got); err != nil || out.Error != nil {
			t.Fatalf("got %s, %v, %v", out.Output, out.Error, err)
		}
		if canonical(t, got.One) != `{"a":[1,"grüße"]}` || len(got.Many) != 3 || string(got.Many[0]) != "7" || string(got.Many[1]) != "3" {
			t.Errorf("got %s", out.Output)
		}
		var refused struct{ Kind string }
		if err := json.Unmarshal(got.Many[2], &refused); err != nil || refused.Kind == "" {
			t.Errorf("got %s, want why there is no such tool", got.Many[2])
		}
	})
}
