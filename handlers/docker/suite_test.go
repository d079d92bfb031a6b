package docker

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

const suitePrograms = "../../engine/enginetest/testdata/programs"

// TestHandlerSuite runs the suite of all handlers: in a container for each attempt, and
// in one that is used again. Its programs are those of modules, built for containers.
func TestHandlerSuite(t *testing.T) {
	t.Parallel()
	binary := dockertest.Program(t, "./inside/testdata/inside")
	image := dockertest.Image(t, "suite", map[string]dockertest.File{"programs": {Path: dockertest.Program(t, suitePrograms)}}, `ENTRYPOINT ["/programs"]`)
	config := Config{
		Binary: binary, Policy: Policy{Pool: true}, Defaults: json.RawMessage(`{"stop_timeout":"1s"}`),
	}
	for name, spec := range map[string]func(program string) map[string]any{
		"container": func(p string) map[string]any { return map[string]any{"command": []string{p}} },
		"pool":      func(p string) map[string]any { return map[string]any{"command": []string{p}, "reuse": "pool"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enginetest.HandlerSuite{
				New: func(t *testing.T) engine.Handler { t.Helper(); return newHandler(t, config) },
				Task: func(t *testing.T, program enginetest.Program) engine.Task {
					t.Helper()
					fields := spec(string(program))
					fields["image"] = image
					text, err := json.Marshal(fields)
					if err != nil {
						t.Fatal(err)
					}
					return engine.Task{Spec: text, Grants: json.RawMessage(`{"spawn":["tested:*"]}`)}
				},
				Stop: 10 * time.Second, Attempts: 2,
			}.Run(t)
		})
	}
}
