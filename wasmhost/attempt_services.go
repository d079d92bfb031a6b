package wasmhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

func (a *attempt) meta(context.Context, guest) int64 {
	if a.opt.Services.Meta == nil {
		return int64(abi.Unavailable)
	}
	return a.answerJSON(a.opt.Services.Meta)
}

func (a *attempt) resultGet(ctx context.Context, g guest) int64 {
	id, ok := g.text()
	if !ok {
		return int64(abi.Invalid)
	}
	results := a.opt.Services.Results
	return a.ask(abi.FuncResultGet, results != nil, func() ([]byte, error) { return results.Result(ctx, id) })
}

// channelOp counts a channel_* call, and answers with 0 if it may be made; valid
// tells whether its arguments are.
func (a *attempt) channelOp(valid bool) abi.Code {
	switch {
	case !valid:
		return abi.Invalid
	case a.opt.Services.Channel == nil:
		return abi.Unavailable
	}
	a.sums.channel++
	if a.sums.channel > a.opt.Limits.ChannelOps {
		return abi.TooLarge
	}
	return 0
}

func (a *attempt) channelGet(ctx context.Context, g guest) int64 {
	key, ok := g.text()
	if code := a.channelOp(ok); code != 0 {
		return int64(code)
	}
	value, err := a.opt.Services.Channel.Get(ctx, key)
	if err != nil {
		return a.code(abi.FuncChannelGet, err)
	}
	return a.answer(value)
}

func (a *attempt) channelKeys(ctx context.Context, g guest) int64 {
	prefix, ok := g.text()
	if code := a.channelOp(ok); code != 0 {
		return int64(code)
	}
	keys, err := a.opt.Services.Channel.Keys(ctx, prefix)
	if err != nil {
		return a.code(abi.FuncChannelKeys, err)
	}
	if keys == nil {
		keys = []string{}
	}
	return a.answerJSON(keys)
}

// channelApply makes the host function for one kind of change.
func channelApply(kind string) func(*attempt, context.Context, guest) int64 {
	return func(a *attempt, ctx context.Context, g guest) int64 {
		op := ChannelOp{Kind: kind}
		var ok bool
		if op.Key, ok = g.text(); ok && kind != "delete" {
			op.Value, ok = g.json(2)
			ok = ok && op.Value != nil
		}
		if code := a.channelOp(ok); code != 0 {
			return int64(code)
		}
		return a.code("channel_"+kind, a.opt.Services.Channel.Apply(ctx, op))
	}
}

func (a *attempt) nextTask(ctx context.Context, g guest) int64 {
	data, ok := g.json(0)
	var next abi.NextTask
	if !ok || json.Unmarshal(data, &next) != nil || next.ID == "" {
		return int64(abi.Invalid)
	}
	if a.opt.Services.Control == nil {
		return int64(abi.Unavailable)
	}
	return a.code(abi.FuncNextTask, a.opt.Services.Control.NextTask(ctx, next))
}

func (a *attempt) nextIteration(ctx context.Context, g guest) int64 {
	return a.steerJSON(ctx, g, abi.FuncNextIteration, Control.NextIteration)
}

func (a *attempt) checkpoint(ctx context.Context, g guest) int64 {
	return a.steerJSON(ctx, g, abi.FuncCheckpoint, func(c Control, ctx context.Context, meta json.RawMessage) error {
		return c.Checkpoint(ctx, "", meta)
	})
}

func (a *attempt) checkpointAs(ctx context.Context, g guest) int64 {
	name, ok := g.text()
	meta, ok2 := g.json(2)
	switch {
	case !ok || !ok2 || name == "":
		return int64(abi.Invalid)
	case a.opt.Services.Control == nil:
		return int64(abi.Unavailable)
	}
	return a.code(abi.FuncCheckpointAs, a.opt.Services.Control.Checkpoint(ctx, name, meta))
}

func (a *attempt) terminate(ctx context.Context, g guest) int64 {
	return a.steerText(ctx, g, abi.FuncTerminate, Control.Terminate)
}

func (a *attempt) cancel(ctx context.Context, g guest) int64 {
	return a.steerText(ctx, g, abi.FuncCancel, Control.Cancel)
}

// steerJSON passes a JSON payload, which may be empty, to a method of Control.
func (a *attempt) steerJSON(ctx context.Context, g guest, name string, method func(Control, context.Context, json.RawMessage) error) int64 {
	data, ok := g.json(0)
	switch {
	case !ok:
		return int64(abi.Invalid)
	case a.opt.Services.Control == nil:
		return int64(abi.Unavailable)
	}
	return a.code(name, method(a.opt.Services.Control, ctx, data))
}

// steerText passes a message to a method of Control.
func (a *attempt) steerText(ctx context.Context, g guest, name string, method func(Control, context.Context, string) error) int64 {
	message, ok := g.text()
	switch {
	case !ok:
		return int64(abi.Invalid)
	case a.opt.Services.Control == nil:
		return int64(abi.Unavailable)
	}
	return a.code(name, method(a.opt.Services.Control, ctx, message))
}

// ask runs a call that answers with bytes, if there is a service for it.
func (a *attempt) ask(name string, offered bool, call func() ([]byte, error)) int64 {
	if !offered {
		return int64(abi.Unavailable)
	}
	data, err := call()
	if err != nil {
		return a.code(name, err)
	}
	return a.answer(data)
}

func (a *attempt) pause(ctx context.Context, g guest) int64 {
	data, ok := g.json(0)
	var pause abi.Pause
	if !ok || json.Unmarshal(data, &pause) != nil || pause.Check() != nil {
		return int64(abi.Invalid)
	}
	control := a.opt.Services.Control
	return a.ask(abi.FuncPause, control != nil, func() ([]byte, error) {
		answer, err := control.Pause(ctx, pause)
		if errors.Is(err, ErrPaused) { // the guest must not go on as if it had an answer
			a.stop(KindPaused, fmt.Sprintf("pause %q waits for an answer", pause.Name), err)
		}
		return answer, err
	})
}

func (a *attempt) secretGet(ctx context.Context, g guest) int64 {
	name, ok := g.text()
	switch {
	case !ok:
		return int64(abi.Invalid)
	case !slices.Contains(a.opt.Grants.Secrets, name):
		return a.refuse(CapabilitySecrets + ": " + name)
	}
	secrets := a.opt.Services.Secrets
	return a.ask(abi.FuncSecretGet, secrets != nil, func() ([]byte, error) { return secrets.Secret(ctx, name) })
}

// refuse denies a power, and remembers the first one that was.
func (a *attempt) refuse(capability string) int64 {
	if a.denied == "" {
		a.denied = capability
	}
	return int64(abi.Denied)
}
