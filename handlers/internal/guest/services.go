package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Services answer a guest out of its call and the buffer of its effects. Secrets and
// Tools are left to the caller.
func Services(steer *Control) wasmhost.Services {
	call, sink := steer.Call, steer.Secrets.Sink(steer.Call.Sink)
	return wasmhost.Services{
		Meta: &abi.Meta{
			Run: call.Run, Task: call.Task.ID, Activation: call.Activation,
			Attempt: call.Attempt, MaxAttempts: call.MaxAttempts,
			Cycle: call.Cycle, MaxCycles: call.MaxCycles, CanIterate: call.CanIterate(),
		},
		Results:  results{call.View},
		Channel:  channel{steer.Effects},
		Control:  steer,
		Log:      sink.Log,
		Progress: sink.Progress,
	}
}

// results answers with what other tasks returned.
type results struct{ view *engine.View }

// Result is the result of a task, or abi.NotFound.
func (r results) Result(_ context.Context, id string) (json.RawMessage, error) {
	if value, ok := r.view.Result(id); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

// channel reads the channel through a buffer, and writes into it.
type channel struct{ effects *engine.Buffer }

// Get is the value of a key, or abi.NotFound.
func (c channel) Get(_ context.Context, key string) (json.RawMessage, error) {
	if value, ok := c.effects.Get(key); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

// Keys lists the keys with a prefix, sorted.
func (c channel) Keys(_ context.Context, prefix string) ([]string, error) {
	return c.effects.Keys(prefix), nil
}

// Apply buffers a write. A value that does not fit is abi.Invalid, wrapped. A key of
// the engine is another error, which is to end the attempt, so that its author
// learns why.
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
