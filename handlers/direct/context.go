package direct

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/graflow/graflow-wasm/engine"
)

// Context is what a function sees of its run. It ends with the attempt. Its
// effects are kept in order of call; use it from one goroutine at a time.
type Context struct {
	context.Context //nolint:containedctx // it is one
	// Call is the attempt.
	Call   *engine.Call
	buffer *engine.Buffer // made at the first use
}

func (c *Context) effects() *engine.Buffer {
	if c.buffer == nil {
		c.buffer = engine.NewBuffer(c.Call)
	}
	return c.buffer
}

// Log writes a line to the run's log.
func (c *Context) Log(format string, args ...any) {
	c.Call.Sink.Log(slog.LevelInfo, fmt.Sprintf(format, args...))
}

// Progress tells whoever watches how far the attempt is.
func (c *Context) Progress(done, total float64, note string) {
	c.Call.Sink.Progress(done, total, note)
}

// Result decodes another task's result; engine.ErrNotFound when it has none.
func (c *Context) Result(task string, into any) error {
	raw, ok := c.Call.View.Result(task)
	if !ok {
		return fmt.Errorf("result of task %q: %w", task, engine.ErrNotFound)
	}
	return decode(raw, into)
}

// Get decodes a channel value and tells whether there is one.
func (c *Context) Get(key string, into any) (bool, error) {
	raw, ok := c.effects().Get(key)
	if !ok {
		return false, nil
	}
	return true, decode(raw, into)
}

// Keys lists the channel's keys with a prefix, sorted.
func (c *Context) Keys(prefix string) []string { return c.effects().Keys(prefix) }

// Set writes a channel value.
func (c *Context) Set(key string, value any) error { return c.apply(engine.OpSet, key, value) }

// Append adds an element to a list in the channel.
func (c *Context) Append(key string, value any) error { return c.apply(engine.OpAppend, key, value) }

// Prepend adds an element in front of a list in the channel.
func (c *Context) Prepend(key string, value any) error { return c.apply(engine.OpPrepend, key, value) }

// Add adds a number to one in the channel; a missing one counts as 0.
func (c *Context) Add(key string, n any) error { return c.apply(engine.OpAdd, key, n) }

// Delete removes a channel key.
func (c *Context) Delete(key string) error {
	return c.effects().Apply(engine.ChannelOp{Op: engine.OpDelete, Key: key})
}

func (c *Context) apply(op engine.Op, key string, value any) error {
	raw, err := encode(value)
	if err != nil {
		return fmt.Errorf("channel key %q: %w", key, err)
	}
	return c.effects().Apply(engine.ChannelOp{Op: op, Key: key, Value: raw})
}

// NextTask runs a new task after this one, before this one's successors; of an
// existing task, it is a goto.
func (c *Context) NextTask(t engine.Task) { c.effects().Next(engine.NextTask{Task: t}) }

// Goto runs a task instead of this one's successors.
func (c *Context) Goto(t engine.Task) { c.effects().Next(engine.NextTask{Task: t, Goto: true}) }

// Next is NextTask and Goto with all options.
func (c *Context) Next(n engine.NextTask) { c.effects().Next(n) }

// NextIteration runs this task again with data as its input.
func (c *Context) NextIteration(data any) error {
	raw, err := encode(data)
	if err != nil {
		return fmt.Errorf("iteration data: %w", err)
	}
	c.effects().Iterate(raw)
	return nil
}

// Terminate ends the run with success, once this task has completed.
func (c *Context) Terminate(message string) { c.effects().Terminate(message) }

// Cancel ends the run as canceled; this task does not complete.
func (c *Context) Cancel(message string) { c.effects().Cancel(message) }
