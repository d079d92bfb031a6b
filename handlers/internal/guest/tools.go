package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// SleepTool is the tool by which a guest sleeps where its calls are recorded: its
// argument is {"seconds": NUMBER}.
const SleepTool = "graflow.sleep"

// Tools answer a guest whose task may call tasks of its flow: each call is journaled
// as a task of the run. A guest whose call has no answer yet is ended there
// (wasmhost.ErrPaused); executed again, its calls are answered from the record. It is
// safe for concurrent use.
type Tools struct {
	// Check checks a value against a JSON Schema; nil lets all values pass.
	Check func(schema, value json.RawMessage) error

	call    *engine.Call
	effects *engine.Buffer
	waited  atomic.Int64 // nanoseconds from call.Since to the last answer
}

var _ wasmhost.ToolBatch = (*Tools)(nil)

// NewTools are the tools of an attempt; nil if its task has none.
func NewTools(call *engine.Call, effects *engine.Buffer, check func(schema, value json.RawMessage) error) *Tools {
	if len(call.Task.Tools) == 0 {
		return nil
	}
	return &Tools{Check: check, call: call, effects: effects}
}

// Names are the tools that the guest may call.
func (t *Tools) Names() []string { return append(slices.Clone(t.call.Task.Tools), SleepTool) }

// Deterministic gives a guest a clock and randomness that are the same whenever it is
// executed again: the clock starts when its activation became ready, and goes on to
// when its calls were answered.
func (t *Tools) Deterministic(o *wasmhost.Options) {
	o.Grants.Clock, o.Grants.Start = wasmhost.ClockVirtual, t.call.Since
	o.Grants.Random, o.Grants.Seed = wasmhost.RandomSeeded, seedOf(t.call)
	o.Services.Tools, o.Services.Waited = t, func() time.Duration { return time.Duration(t.waited.Load()) }
}

// seedOf is different for each activation, and the same for its attempts.
func seedOf(call *engine.Call) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d:%s%s", len(call.Run), call.Run, call.Activation) // it never fails
	return h.Sum64()
}

// CallTool implements wasmhost.Tools.
func (t *Tools) CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return wasmhost.CallOne(ctx, t, name, args)
}

// CallTools implements wasmhost.ToolBatch. Arguments that do not fit are answered
// here; all others are one batch of the record.
func (t *Tools) CallTools(_ context.Context, calls []abi.ToolCall) ([]abi.ToolAnswer, error) {
	answers := make([]abi.ToolAnswer, len(calls))
	var asked []engine.TaskCall
	var places []int
	for i, c := range calls {
		task, refused := t.taskCall(c)
		if refused != nil {
			answers[i].Error = refused
			continue
		}
		asked, places = append(asked, task), append(places, i)
	}
	given, at, err := t.effects.Calls(asked)
	switch {
	case err != nil:
		return nil, err
	case given == nil:
		return nil, wasmhost.ErrPaused
	}
	if wait := int64(at.Sub(t.call.Since)); wait > t.waited.Load() {
		t.waited.Store(wait)
	}
	for i, g := range given {
		answers[places[i]] = toolAnswer(g)
	}
	return answers, nil
}

// taskCall is the task that a call means, or why it is not made.
func (t *Tools) taskCall(c abi.ToolCall) (engine.TaskCall, *abi.ToolError) {
	if c.Name == SleepTool {
		return sleepCall(c)
	}
	i := slices.IndexFunc(t.call.Tools, func(task *engine.Task) bool { return task.ID == c.Name })
	if i < 0 {
		return engine.TaskCall{}, &abi.ToolError{Kind: abi.WordNotFound, Message: fmt.Sprintf("there is no tool %q; there are %s", c.Name, Quoted(t.call.Task.Tools))}
	}
	if schema := t.call.Tools[i].Schema; len(schema) > 0 && t.Check != nil {
		args := c.Args
		if len(args) == 0 {
			args = json.RawMessage("null")
		}
		if err := t.Check(schema, args); err != nil {
			return engine.TaskCall{}, &abi.ToolError{Kind: abi.KindInvalidArgs, Message: fmt.Sprintf("tool %q: %v", c.Name, err)}
		}
	}
	return engine.TaskCall{ID: c.Name, Input: c.Args}, nil
}

// sleepCall is a sleep as a task of the engine's own.
func sleepCall(c abi.ToolCall) (engine.TaskCall, *abi.ToolError) {
	var args struct {
		Seconds *float64 `json:"seconds"`
	}
	if json.Unmarshal(c.Args, &args) != nil || args.Seconds == nil || *args.Seconds < 0 {
		return engine.TaskCall{}, &abi.ToolError{Kind: abi.KindInvalidArgs, Message: fmt.Sprintf(`%s: want {"seconds": NUMBER}, not below 0`, SleepTool)}
	}
	input, err := json.Marshal(map[string]float64{"duration": *args.Seconds})
	if err != nil {
		return engine.TaskCall{}, &abi.ToolError{Kind: abi.KindInvalidArgs, Message: err.Error()}
	}
	sleep := &engine.Task{ID: "sleep", Handler: "builtin", Spec: json.RawMessage(`"sleep"`)}
	return engine.TaskCall{ID: sleep.ID, Task: sleep, Input: input}, nil
}

func toolAnswer(a engine.TaskAnswer) abi.ToolAnswer {
	switch {
	case a.Error != nil:
		return abi.ToolAnswer{Error: &abi.ToolError{Kind: a.Error.Kind, Message: a.Error.Message}}
	case len(a.Value) == 0:
		return abi.ToolAnswer{Value: json.RawMessage("null")}
	}
	return abi.ToolAnswer{Value: a.Value}
}

// Ended is what an attempt ends with whose guest was ended since it waits: for an
// answer to a pause, or for tasks that it has called.
func Ended(effects engine.Effects) engine.Effects {
	return engine.Effects{Pause: effects.Pause, Calls: effects.Calls, Cancel: effects.Cancel}
}

// checkDurable refuses grants that a task can't have whose calls are recorded:
// executed again, it would find something else.
func checkDurable(g wasmhost.Grants) error {
	switch {
	case len(g.Tools) > 0:
		return errors.New("grants.tools: the task has tools of its own: tasks of its flow")
	case len(g.HTTP) > 0:
		return errors.New("grants.http: a task that has tools is executed again from its start, and must find the same: let a tool send its requests")
	case g.Clock == wasmhost.ClockReal || g.Clock == wasmhost.ClockCoarse || g.Random == wasmhost.RandomSecure:
		return errors.New("grants: a task that has tools is executed again from its start, and must find the same: its clock is virtual, its randomness seeded")
	}
	return nil
}
