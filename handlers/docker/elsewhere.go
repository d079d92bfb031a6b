package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// Elsewhere takes the place of a Handler in a process whose tasks others execute: it
// checks what tasks ask for, and leaves to those what depends on their machine,
// their daemon and their operator's policy. It is safe for concurrent use.
type Elsewhere struct{}

var (
	_ engine.Handler = Elsewhere{}
	_ engine.Checker = Elsewhere{}
)

// Check checks a task's spec, limits and grants as text. Volumes must be absolute
// paths: nobody else knows what others are relative to. All that is wrong is
// reported, joined.
func (Elsewhere) Check(_ context.Context, task *engine.Task) error {
	if _, err := parseSettings(&Config{elsewhere: true}, task); err != nil {
		return fmt.Errorf("task %q: %w", task.ID, err)
	}
	return nil
}

// Handle fails: whoever runs the task has a Handler.
func (Elsewhere) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	return engine.Result{}, invalid(call, errors.New("containers are run elsewhere"))
}
