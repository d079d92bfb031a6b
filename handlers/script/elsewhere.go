package script

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// Elsewhere checks tasks for a process that begins runs which others execute. It has
// no interpreter: which one a run is pinned to shows with the first task of it.
type Elsewhere struct {
	// Dir is as that of Config.
	Dir string
}

var (
	_ engine.Handler = Elsewhere{}
	_ engine.Checker = Elsewhere{}
)

// Check reads the task's spec, limits and grants.
func (e Elsewhere) Check(_ context.Context, task *engine.Task) error {
	h := &Handler{config: Config{Dir: e.Dir}}
	_, specErr := h.parse(task)
	_, sandboxErr := h.sandboxed(task)
	if err := errors.Join(specErr, sandboxErr); err != nil {
		return fmt.Errorf("task %q: %w", task.ID, err)
	}
	return nil
}

// Handle implements engine.Handler. It runs nothing.
func (e Elsewhere) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	return engine.Result{}, hopeless(call, errors.New("code is not run here: this process only begins runs"))
}
