package direct

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrPaused is what [Context.Pause] returns when there is no answer yet. The
// function is to return it, wrapped or not.
var ErrPaused = errors.New("paused: the function is called again once there is an answer")

// Pause asks for an answer and decodes it into what into points to; nil drops it.
// A null answer leaves what is there.
//
// Without an answer it returns [ErrPaused], and the attempt ends as paused, even if
// the function goes on and returns something else: its value and effects are
// dropped, but for a cancel. Once there is an answer the function is called again,
// from its start, and gets it: what comes before Pause runs again, and must bear
// that.
//
// A function may pause several times, under names of their own: an answer stays
// for all later attempts of the activation. A pause without a name asks nobody and
// ends by its Until or After.
func (c *Context) Pause(p engine.Pause, into any) error {
	if err := check(p); err != nil {
		return &engine.TaskError{
			Kind: engine.KindInvalidInput, Permanent: true, Err: err,
			Message: fmt.Sprintf("task %q: pause %q: %v", c.Call.Task.ID, p.Name, err),
		}
	}
	answer, answered := c.effects().Pause(p)
	switch {
	case !answered:
		return fmt.Errorf("pause %q: %w", p.Name, ErrPaused)
	case into == nil:
		return nil
	case len(answer) == 0:
		answer = null
	}
	if err := decode(answer, into); err != nil {
		return fmt.Errorf("decode the answer to pause %q: %w", p.Name, err)
	}
	return nil
}

// check reports what makes a pause that nothing could end as it says.
func check(p engine.Pause) error {
	switch {
	case p.Timeout < 0 || p.After < 0:
		return errors.New("a time to wait is negative")
	case p.Name == "" && p.Until.IsZero() && p.After == 0:
		return errors.New("without a name it needs Until or After")
	case p.Timeout == 0 && len(p.Default) > 0:
		return errors.New("a Default needs a Timeout, after which it is the answer")
	case !p.Until.IsZero() && p.After != 0:
		return errors.New("both Until and After are set, which exclude each other")
	case len(p.Schema) > 0 && !json.Valid(p.Schema), len(p.Default) > 0 && !json.Valid(p.Default):
		return errors.New("the Schema or the Default is not JSON")
	}
	return nil
}

// Checkpoint asks for a checkpoint after this task, with meta, or nil, noted in
// it. The name "" is a number.
func (c *Context) Checkpoint(name string, meta any) error {
	var raw json.RawMessage
	if meta != nil {
		var err error
		if raw, err = encode(meta); err != nil {
			return fmt.Errorf("checkpoint %q: %w", name, err)
		}
	}
	c.effects().Checkpoint(engine.Checkpoint{Name: name, Meta: raw})
	return nil
}
