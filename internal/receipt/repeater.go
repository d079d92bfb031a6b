package receipt

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// repeater stands for a handler in a repetition.
type repeater struct {
	order *order
	real  engine.Handler // nil: nothing of it can be repeated
}

var (
	_ engine.Handler = (*repeater)(nil)
	_ engine.Checker = (*repeater)(nil)
	_ engine.Pinner  = (*repeater)(nil)
)

// handlers stand for all that a graph may name.
func (o *order) handlers() map[string]engine.Handler {
	all := map[string]engine.Handler{}
	for _, name := range []string{"wasm", "script", "builtin", "docker", "direct"} {
		all[name] = &repeater{o, o.Handlers[name]}
	}
	return all
}

// repeats tells whether a task is executed; others answer from the record.
func (r *repeater) repeats(task *engine.Task) bool { return r.real != nil && Judge(task) == "" }

// Check implements engine.Checker. What is not executed need not be there.
func (r *repeater) Check(ctx context.Context, task *engine.Task) error {
	if c, ok := r.real.(engine.Checker); ok && r.repeats(task) {
		return c.Check(ctx, task)
	}
	return nil
}

// Pin implements engine.Pinner.
func (r *repeater) Pin(ctx context.Context, task *engine.Task) (name, digest string, err error) {
	if p, ok := r.real.(engine.Pinner); ok && r.repeats(task) {
		return p.Pin(ctx, task)
	}
	return "", "", nil
}

// errUnknown ends an attempt of which it is not known what it has left.
var errUnknown = errors.New("what it has left is not known")

// Handle implements engine.Handler.
func (r *repeater) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	i := r.order.begin(call)
	if i < 0 {
		return r.unexpected(ctx, call)
	}
	step := &r.order.Receipt.Steps[i]
	if step.End == EndStopped {
		r.order.linger(ctx) // until it is stopped again
		return engine.Result{}, context.Cause(ctx)
	}
	result, err := r.result(ctx, call, step)
	r.order.await(ctx, i)
	return result, err
}

// unexpected executes what the receipt has not: it is a difference, and what follows
// from it tells more about it.
func (r *repeater) unexpected(ctx context.Context, call *engine.Call) (engine.Result, error) {
	if !r.repeats(call.Task) {
		r.order.miss(call.Activation, "what "+call.Task.ID+" has left: "+Judge(call.Task))
		return engine.Result{}, unknown(call)
	}
	return r.execute(ctx, call)
}

func (r *repeater) result(ctx context.Context, call *engine.Call, step *Step) (engine.Result, error) {
	switch {
	case step.Reproducible && r.repeats(call.Task):
		return r.execute(ctx, r.asThen(call, step))
	case step.Result != nil:
		return recorded(step)
	case step.End == EndFailed: // why it did is not told, that it did is
		return engine.Result{}, &engine.TaskError{Kind: step.Kind, Message: "it ended with " + step.Kind + " when it was recorded"}
	}
	r.order.miss(call.Activation, "what "+call.Task.ID+" has left, which can't be repeated: "+step.Why+Judge(call.Task))
	return engine.Result{}, unknown(call)
}

// asThen gives a task with tools the times that it was told.
func (r *repeater) asThen(call *engine.Call, step *Step) *engine.Call {
	if len(call.Task.Tools) == 0 {
		return call
	}
	c := *call
	c.Since = step.Since
	c.Called = append([]engine.Called(nil), call.Called...)
	for i := range min(len(c.Called), len(step.Called)) {
		c.Called[i].Time = step.Called[i]
	}
	return &c
}

// execute runs the attempt. Nobody waits for a time that has gone by.
func (r *repeater) execute(ctx context.Context, call *engine.Call) (engine.Result, error) {
	done, err := r.order.run(ctx)
	if err != nil {
		return engine.Result{}, err
	}
	defer done()
	result, err := Steady(ctx, r.real, call)
	if p := result.Effects.Pause; p != nil && p.After > 0 {
		short := *p
		short.After = 1
		result.Effects.Pause = &short
	}
	return result, err
}

// recorded is what an attempt has left, as the receipt carries it.
func recorded(step *Step) (engine.Result, error) {
	r := step.Result
	result := engine.Result{Value: r.Value, Effects: r.Effects}
	if step.End != EndFailed {
		return result, nil
	}
	return result, &engine.TaskError{Kind: step.Kind, Message: r.Message, Permanent: r.Final}
}

func unknown(call *engine.Call) error {
	return &engine.TaskError{Kind: "unknown", Message: fmt.Sprintf("task %q: %v", call.Task.ID, errUnknown), Err: errUnknown, Permanent: true}
}
