package guest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Control buffers what a guest asks of the run. Payloads are valid JSON or empty,
// and are kept. An error that is no abi.Code is to end the attempt. All fields are
// required. It is safe for concurrent use, and never blocks.
type Control struct {
	Call    *engine.Call
	Effects *engine.Buffer
	Spawn   Spawn
	Secrets *Secrets
	// Complete completes a new task that is for the caller's own handler, as the
	// guest asked for it: what its spec leaves to the caller. It has the caller's
	// limits, grants and secrets. An error refuses the task; whether Spawn grants it
	// is for Complete to say, with [Denied]. It may be called concurrently.
	Complete func(next *engine.NextTask) error
}

var _ wasmhost.Control = (*Control)(nil)

// NextTask buffers a task, if the caller may spawn it. A spec without a handler is
// one for the caller's. A task of another handler needs a grant for that handler,
// and gets no limits, grants and secrets of the caller.
func (c *Control) NextTask(_ context.Context, n abi.NextTask) error {
	next := engine.NextTask{
		Task:  engine.Task{ID: n.ID, Handler: n.Handler, Spec: n.Spec},
		Input: n.Input,
		Goto:  n.Goto,
	}
	caller := c.Call.Task
	if n.Handler == "" && len(n.Spec) > 0 {
		next.Task.Handler = caller.Handler
	}
	if next.Task.Handler != "" && next.Task.Handler == caller.Handler {
		next.Task.Limits, next.Task.Grants, next.Task.Secrets = caller.Limits, caller.Grants, caller.Secrets
		if err := c.Complete(&next); err != nil {
			return err
		}
	} else if next.Task.Handler != "" && !c.Spawn.Handler(next.Task.Handler) {
		return Denied("next task %q: handler %q is not granted: list %q in grants.spawn of task %q, now %s", n.ID, n.Handler, n.Handler+":*", caller.ID, c.Spawn)
	}
	c.Effects.Next(next)
	return nil
}

// NextIteration buffers another iteration of the task.
func (c *Control) NextIteration(_ context.Context, data json.RawMessage) error {
	c.Effects.Iterate(data)
	return nil
}

// Terminate buffers the successful end of the run.
func (c *Control) Terminate(_ context.Context, message string) error {
	c.Effects.Terminate(c.Secrets.Redact(message))
	return nil
}

// Cancel buffers the end of the run as canceled.
func (c *Control) Cancel(_ context.Context, message string) error {
	c.Effects.Cancel(c.Secrets.Redact(message))
	return nil
}

// Checkpoint buffers a checkpoint; the name "" is a number.
func (c *Control) Checkpoint(_ context.Context, name string, meta json.RawMessage) error {
	c.Effects.Checkpoint(engine.Checkpoint{Name: name, Meta: meta})
	return nil
}

// maxPauses bounds how often an activation may pause. A guest that pauses for a
// moment, each time under another name, would else run for ever: pauses are no
// steps of the run.
const maxPauses = 1000

// Pause answers with what somebody answered, or with wasmhost.ErrPaused.
func (c *Control) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	if string(p.Schema) == "null" {
		p.Schema = nil
	}
	answer, answered := c.Effects.Pause(engine.Pause{
		Name: p.Name, Message: c.Secrets.Redact(p.Message), Schema: p.Schema,
		Timeout: engine.Duration(p.Timeout), Default: p.Default,
		Until: p.Until, After: engine.Duration(p.After),
	})
	switch {
	case !answered && len(c.Call.Answers) >= maxPauses:
		return nil, &engine.TaskError{
			Kind: engine.KindError, Permanent: true,
			Message: fmt.Sprintf("%q: the task has paused %d times, which is all it may", p.Name, maxPauses),
		}
	case !answered:
		return nil, wasmhost.ErrPaused
	case len(answer) == 0:
		return json.RawMessage("null"), nil
	}
	return answer, nil
}
