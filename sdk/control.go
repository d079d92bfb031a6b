package sdk

import (
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// NextTask asks for the existing or just spawned task id to run after this one,
// besides its ordinary successors.
func (c *Context) NextTask(id string) error { return c.Spawn(abi.NextTask{ID: id}) }

// Goto asks for the existing task id to run next, in place of this task's
// ordinary successors.
func (c *Context) Goto(id string) error { return c.Spawn(abi.NextTask{ID: id, Goto: true}) }

// Spawn asks for next to run after this task; with a handler it is a new task.
// Nothing happens until this task has succeeded.
func (c *Context) Spawn(next abi.NextTask) error {
	data, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("encode next task %q: %w", next.ID, err)
	}
	if err := c.host.nextTask(data); err != nil {
		return fmt.Errorf("next task %q: %w", next.ID, err)
	}
	return nil
}

// NextIteration asks for this task to run once more, with data as its input;
// nil leaves the input to the engine.
func (c *Context) NextIteration(data any) error {
	return c.tell("next iteration", data, c.host.nextIteration)
}

// Terminate asks for the run to end with success once this task has.
func (c *Context) Terminate(message string) error {
	if err := c.host.terminate(message); err != nil {
		return fmt.Errorf("terminate: %w", err)
	}
	return nil
}

// Cancel asks for the run to end as canceled.
func (c *Context) Cancel(message string) error {
	if err := c.host.cancel(message); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	return nil
}

// Checkpoint asks for a checkpoint after this task, with meta, or nil, noted in
// it. It is named by its number.
func (c *Context) Checkpoint(meta any) error {
	return c.tell("checkpoint", meta, c.host.checkpoint)
}

// CheckpointAs is [Context.Checkpoint] with a name, which is not "".
func (c *Context) CheckpointAs(name string, meta any) error {
	deed := fmt.Sprintf("checkpoint %q", name)
	return c.tell(deed, meta, func(data []byte) error { return c.host.checkpointAs(name, data) })
}

// Pause asks a person for input and decodes the answer into what into points
// to; nil drops it. Without an answer the host ends the attempt here: nothing
// after Pause runs, deferred calls included, and all effects are dropped but a
// cancel. Once there is one the task runs again, from its start, and gets it:
// what comes before Pause must bear repeating.
//
// A task may pause several times, under names of their own: an answer stays for
// all of the task's later attempts.
func (c *Context) Pause(p abi.Pause, into any) error {
	if err := p.Check(); err != nil {
		return Permanent(Fail(KindInvalidInput, "pause %q: %w", p.Name, err))
	}
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pause %q: %w", p.Name, err)
	}
	answer, err := c.host.pause(data)
	if err != nil {
		return fmt.Errorf("pause %q: %w", p.Name, err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode the input of pause %q: %w", p.Name, err)
	}
	return nil
}

// tell hands an optional document to the host.
func (c *Context) tell(deed string, doc any, send func([]byte) error) error {
	var data []byte
	if doc != nil {
		var err error
		if data, err = json.Marshal(doc); err != nil {
			return fmt.Errorf("encode %s: %w", deed, err)
		}
	}
	if err := send(data); err != nil {
		return fmt.Errorf("%s: %w", deed, err)
	}
	return nil
}
