package script_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	handler "github.com/graflow/graflow-wasm/handlers/script"
)

// TestCheckRefuses wants each fault of a task said, before it runs.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	h := newHandler(t, handler.Config{})
	for _, c := range []struct{ spec, limits, grants, tools, want string }{
		{spec: `{"language":"python"}`, want: "script.code: missing"},
		{spec: `{"code":"1"}`, want: "script.language: missing"},
		{spec: `{"language":"pyton","code":"1"}`, want: `got "pyton", did you mean "python"?`},
		{spec: `{"language":"python","code":"1","fiel":"x.py"}`, want: `unknown key "fiel"`},
		{spec: `{"language":"python","code":1}`, want: "script.code: got 1, want a string"},
		{spec: `{"language":"python","code":"1","files_in":{"a":"b..c"}}`, want: `script.files_in["a"]`},
		{spec: `{"language":"python","code":"1","with":["lib"]}`, want: "script.with: this worker's files are not for tasks"},
		{spec: `"#run"`, want: "script: want an object"},
		{spec: `{"language":"python","code":"1"}`, limits: `{"timeout":"0s"}`, want: "limits.timeout"},
		{spec: `{"language":"python","code":"1"}`, grants: `{"htpp":["a"]}`, want: `unknown key "htpp"`},
		{spec: `{"language":"python","code":"1"}`, grants: `{"http":["example.com"]}`, tools: "search", want: "let a tool send its requests"},
		{spec: `{"language":"python","code":"1"}`, grants: `{"clock":"real"}`, tools: "search", want: "its clock is virtual"},
		{spec: `{"language":"python","code":"` + strings.Repeat("x", 1<<20+1) + `"}`, want: "1048576 is all it may"},
	} {
		task := &engine.Task{ID: "t", Handler: "script", Spec: json.RawMessage(c.spec), Tools: strings.Fields(c.tools)}
		if c.limits != "" {
			task.Limits = json.RawMessage(c.limits)
		}
		if c.grants != "" {
			task.Grants = json.RawMessage(c.grants)
		}
		for _, checker := range []engine.Checker{h, handler.Elsewhere{}} {
			if _, elsewhere := checker.(handler.Elsewhere); elsewhere && strings.Contains(c.want, "this worker") {
				continue // it knows nothing of that worker
			}
			if err := checker.Check(t.Context(), task); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `task "t"`) {
				t.Errorf("%.80s, %T: got %v, want %q", c.spec, checker, err, c.want)
			}
		}
	}
	good := &engine.Task{ID: "t", Spec: json.RawMessage(`{"language":"python","code":"1"}`)}
	if err := h.Check(t.Context(), good); err != nil {
		t.Errorf("got %v, want it to pass", err)
	}
	if err := (handler.Elsewhere{}).Check(t.Context(), good); err != nil {
		t.Errorf("elsewhere: got %v, want it to pass", err)
	}
}
