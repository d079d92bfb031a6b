package script_test

import (
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	handler "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/script"
)

// TestHandlerSuite runs the suite of all handlers over its programs in each language.
func TestHandlerSuite(t *testing.T) {
	t.Parallel()
	for l, file := range map[script.Language]string{script.Python: "programs.py", script.JavaScript: "programs.js", script.TypeScript: "programs.js"} {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("../../engine/enginetest/testdata/scripts/" + file)
			if err != nil {
				t.Fatal(err)
			}
			enginetest.HandlerSuite{
				New: func(t *testing.T) engine.Handler { t.Helper(); return newHandler(t, handler.Config{}) },
				Task: func(t *testing.T, program enginetest.Program) engine.Task {
					t.Helper()
					return engine.Task{
						Spec:   marshal(t, map[string]any{"language": l, "code": string(text), "file": file, "args": []string{string(program)}}),
						Grants: marshal(t, map[string]any{"spawn": []string{"tested:*"}}),
					}
				},
			}.Run(t)
		})
	}
}
