package wasm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// services answer a guest out of its call and the buffer of its effects.
func (h *Handler) services(call *engine.Call, effects *engine.Buffer, steer *control) wasmhost.Services {
	sink := steer.secrets.sink(call.Sink)
	s := wasmhost.Services{
		Meta: &abi.Meta{
			Run: call.Run, Task: call.Task.ID, Activation: call.Activation,
			Attempt: call.Attempt, MaxAttempts: call.MaxAttempts,
			Cycle: call.Cycle, MaxCycles: call.MaxCycles, CanIterate: call.CanIterate(),
		},
		Results:  results{call.View},
		Channel:  channel{effects},
		Control:  steer,
		Tools:    h.config.Tools,
		Log:      sink.Log,
		Progress: sink.Progress,
	}
	if h.config.Secrets != nil {
		s.Secrets = steer.secrets
	}
	return s
}

// results answers with what other tasks returned.
type results struct{ view *engine.View }

func (r results) Result(_ context.Context, id string) (json.RawMessage, error) {
	if value, ok := r.view.Result(id); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

// channel reads the channel through the buffer, and writes into it. A write to
// a key of the engine ends the attempt, so that its author learns why.
type channel struct{ effects *engine.Buffer }

func (c channel) Get(_ context.Context, key string) (json.RawMessage, error) {
	if value, ok := c.effects.Get(key); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

func (c channel) Keys(_ context.Context, prefix string) ([]string, error) {
	return c.effects.Keys(prefix), nil
}

func (c channel) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	err := c.effects.Apply(engine.ChannelOp{Op: engine.Op(op.Kind), Key: op.Key, Value: op.Value})
	switch {
	case errors.Is(err, engine.ErrReservedKey):
		return fmt.Errorf("key %q: %w", op.Key, err)
	case err != nil:
		return fmt.Errorf("%w: %w", abi.Invalid, err)
	}
	return nil
}

// control buffers what a guest asks of the run.
type control struct {
	task    *engine.Task
	self    reference
	spawn   spawnRules
	secrets *granted
	effects *engine.Buffer
	answers int // that the activation's pauses have had
}

// NextTask buffers a task, if the caller may spawn it. One for this handler is
// completed from the caller: the handler's name, the module, limits, grants and
// secrets.
func (c *control) NextTask(_ context.Context, n abi.NextTask) error {
	next := engine.NextTask{
		Task:  engine.Task{ID: n.ID, Handler: n.Handler, Spec: n.Spec},
		Input: n.Input,
		Goto:  n.Goto,
	}
	if n.Handler == "" && len(n.Spec) > 0 {
		next.Task.Handler = c.task.Handler
	}
	if next.Task.Handler != "" && next.Task.Handler == c.task.Handler {
		ref, err := parseSpec(n.Spec)
		if err != nil {
			return fmt.Errorf("next task %q: %w", n.ID, err)
		}
		if ref.module == "" {
			ref.module, ref.name = c.self.module, c.self.name
		}
		next.Task.Spec = ref.spec()
		next.Task.Limits, next.Task.Grants, next.Task.Secrets = c.task.Limits, c.task.Grants, c.task.Secrets
		if ref.module != c.self.module && !c.spawn.module(next.Task.Handler, ref.module) {
			return denied("next task %q: module %q is not granted: list it in grants.spawn of task %q, now %s", n.ID, ref.module, c.task.ID, c.spawn)
		}
	} else if next.Task.Handler != "" && !c.spawn.handler(next.Task.Handler) {
		return denied("next task %q: handler %q is not granted: list %q in grants.spawn of task %q, now %s", n.ID, n.Handler, n.Handler+":*", c.task.ID, c.spawn)
	}
	c.effects.Next(next)
	return nil
}

func (c *control) NextIteration(_ context.Context, data json.RawMessage) error {
	c.effects.Iterate(data)
	return nil
}

func (c *control) Terminate(_ context.Context, message string) error {
	c.effects.Terminate(c.secrets.redact(message))
	return nil
}

func (c *control) Cancel(_ context.Context, message string) error {
	c.effects.Cancel(c.secrets.redact(message))
	return nil
}

// Checkpoint buffers a checkpoint.
func (c *control) Checkpoint(_ context.Context, name string, meta json.RawMessage) error {
	c.effects.Checkpoint(engine.Checkpoint{Name: name, Meta: meta})
	return nil
}

// maxPauses bounds how often an activation may pause. A guest that pauses for a
// moment, each time under another name, would else run for ever: pauses are no
// steps of the run.
const maxPauses = 1000

// Pause answers with what somebody answered, or ends the attempt.
func (c *control) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	if string(p.Schema) == "null" {
		p.Schema = nil
	}
	answer, answered := c.effects.Pause(engine.Pause{
		Name: p.Name, Message: c.secrets.redact(p.Message), Schema: p.Schema,
		Timeout: engine.Duration(p.Timeout), Default: p.Default,
		Until: p.Until, After: engine.Duration(p.After),
	})
	switch {
	case !answered && c.answers >= maxPauses:
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
