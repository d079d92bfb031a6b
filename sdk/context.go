package sdk

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Context is one attempt of a task: what it is part of, and its way to the
// host. It is valid until the task's function returns. Where a grant is
// missing, its methods fail with [abi.Denied].
type Context struct {
	host host
	meta *abi.Meta // nil until asked for
}

// Meta says what the attempt is part of. A host that does not say gives zeros.
func (c *Context) Meta() abi.Meta {
	if c.meta == nil {
		c.meta = new(abi.Meta)
		if data, err := c.host.meta(); err == nil {
			_ = json.Unmarshal(data, c.meta)
		}
	}
	return *c.meta
}

// Run is the id of the run.
func (c *Context) Run() string { return c.Meta().Run }

// Task is the id of the task in the flow, which need not be its export's name.
func (c *Context) Task() string { return c.Meta().Task }

// Attempt counts the attempts of this activation, from 1.
func (c *Context) Attempt() int { return c.Meta().Attempt }

// Cycle counts the visits of this task in the run, from 1.
func (c *Context) Cycle() int { return c.Meta().Cycle }

// CanIterate says whether another cycle of this task is allowed.
func (c *Context) CanIterate() bool { return c.Meta().CanIterate }

// Log writes a line to the attempt's log, at level info.
func (c *Context) Log(format string, args ...any) {
	c.host.log(int32(slog.LevelInfo), fmt.Sprintf(format, args...))
}

// Logger is a logger that writes to the attempt's log and keeps levels. A line
// is the message and then the attributes as key=value.
func (c *Context) Logger() *slog.Logger { return slog.New(newLogHandler(c.host)) }

// Progress tells whoever watches that done of total is done; total 0 is
// unknown.
func (c *Context) Progress(done, total float64, note string) {
	c.host.progress(done, total, note)
}

// Result decodes the result of the task id into what into points to. A task
// without a result yet fails with [abi.NotFound].
func (c *Context) Result(id string, into any) error {
	data, err := c.host.result(id)
	if err != nil {
		return fmt.Errorf("result of task %q: %w", id, err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("decode the result of task %q: %w", id, err)
	}
	return nil
}

// ResultOf is [Context.Result] by type.
func ResultOf[T any](c *Context, id string) (T, error) {
	var v T
	err := c.Result(id, &v)
	return v, err
}
