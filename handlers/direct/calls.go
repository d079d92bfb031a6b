package direct

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrCalled is what [Context.CallTasks] returns when there are no answers yet. The
// function is to return it, wrapped or not.
var ErrCalled = errors.New("called: the function is called again once the tasks have ended")

// CallTasks calls tasks that are among the task's Tools, all at once, and returns how
// each ended, in the order of the calls.
//
// Without answers it returns [ErrCalled], and the attempt ends there, even if the
// function goes on: what it returns and its effects are dropped, but for a cancel.
// Once the tasks have ended the function is called again, from its start, and gets
// their answers: what comes before runs again, and must come to the same calls.
// Others are an error of engine.KindDiverged.
func (c *Context) CallTasks(calls ...engine.TaskCall) ([]engine.TaskAnswer, error) {
	answers, _, err := c.effects().Calls(calls)
	if err == nil && answers == nil {
		return nil, fmt.Errorf("call of %q: %w", calls[0].ID, ErrCalled)
	}
	return answers, err
}

// CallTask calls one task with an input and decodes its value into what into points
// to; nil drops it. The task's failure is an *engine.TaskError. See [Context.CallTasks].
func (c *Context) CallTask(id string, input, into any) error {
	raw, err := encode(input)
	if err != nil {
		return fmt.Errorf("input of task %q: %w", id, err)
	}
	answers, err := c.CallTasks(engine.TaskCall{ID: id, Input: raw})
	switch {
	case err != nil:
		return err
	case answers[0].Error != nil:
		return answers[0].Error
	case into == nil:
		return nil
	}
	return decode(answers[0].Value, into)
}
