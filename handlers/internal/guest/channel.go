package guest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Meta is what a guest is told of its attempt.
func Meta(call *engine.Call) abi.Meta {
	return abi.Meta{
		Run: call.Run, Task: call.Task.ID, Activation: call.Activation,
		Attempt: call.Attempt, MaxAttempts: call.MaxAttempts,
		Cycle: call.Cycle, MaxCycles: call.MaxCycles, CanIterate: call.CanIterate(),
	}
}

// Results answers with what other tasks returned. It is safe for concurrent use.
type Results struct{ View *engine.View }

// Result is the result of a task, or abi.NotFound.
func (r Results) Result(id string) (json.RawMessage, error) {
	if value, ok := r.View.Result(id); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

// Channel reads the channel through a buffer, and writes into it. It is safe for
// concurrent use.
type Channel struct{ Effects *engine.Buffer }

// Get is the value of a key, or abi.NotFound.
func (c Channel) Get(key string) (json.RawMessage, error) {
	if value, ok := c.Effects.Get(key); ok {
		return value, nil
	}
	return nil, abi.NotFound
}

// Keys lists the keys with a prefix, sorted.
func (c Channel) Keys(prefix string) []string { return c.Effects.Keys(prefix) }

// Apply buffers a write. A value that does not fit is abi.Invalid, wrapped. A key of
// the engine is another error, which is to end the attempt, so that its author
// learns why.
func (c Channel) Apply(op engine.ChannelOp) error {
	err := c.Effects.Apply(op)
	switch {
	case errors.Is(err, engine.ErrReservedKey):
		return fmt.Errorf("key %q: %w", op.Key, err)
	case err != nil:
		return fmt.Errorf("%w: %w", abi.Invalid, err)
	}
	return nil
}
