package runner

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// channel is a channel of one call, in memory. Like an engine's it holds what a
// task asked for until the task ends.
type channel struct {
	values  map[string]json.RawMessage
	changes []wasmhost.ChannelOp
}

func (c *channel) Get(_ context.Context, key string) (json.RawMessage, error) {
	value, ok := c.values[key]
	if !ok {
		return nil, abi.NotFound
	}
	return value, nil
}

func (c *channel) Keys(_ context.Context, prefix string) ([]string, error) {
	keys := []string{}
	for key := range c.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (c *channel) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	c.changes = append(c.changes, op)
	if c.values == nil {
		c.values = map[string]json.RawMessage{}
	}
	if op.Kind == "delete" {
		delete(c.values, op.Key)
		return nil
	}
	c.values[op.Key] = bytes.Clone(op.Value)
	return nil
}

// control keeps what a task asked for, as an engine does.
type control struct{ asked []any }

func (c *control) keep(v any) error {
	c.asked = append(c.asked, v)
	return nil
}

func (c *control) NextTask(_ context.Context, next abi.NextTask) error { return c.keep(next) }

func (c *control) NextIteration(_ context.Context, data json.RawMessage) error { return c.keep(data) }

func (c *control) Terminate(_ context.Context, message string) error { return c.keep(message) }

func (c *control) Cancel(_ context.Context, message string) error { return c.keep(message) }

func (c *control) Checkpoint(_ context.Context, name string, meta json.RawMessage) error {
	return c.keep([]any{name, meta})
}

func (c *control) Pause(context.Context, abi.Pause) (json.RawMessage, error) {
	return nil, abi.Unavailable
}
