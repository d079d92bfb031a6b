package wasm

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// services answer a guest out of its call and the buffer of its effects.
func (h *Handler) services(steer control) wasmhost.Services {
	sink := steer.Secrets.Sink(steer.Call.Sink)
	meta := guest.Meta(steer.Call)
	s := wasmhost.Services{
		Meta:     &meta,
		Results:  results{guest.Results{View: steer.Call.View}},
		Channel:  channel{guest.Channel{Effects: steer.Effects}},
		Control:  steer,
		Tools:    h.config.Tools,
		Log:      sink.Log,
		Progress: sink.Progress,
	}
	if h.config.Secrets != nil {
		s.Secrets = secrets{steer.Secrets}
	}
	return s
}

// The types below make wasmhost's services of guest's, which never block.

type results struct{ guest.Results }

func (r results) Result(_ context.Context, id string) (json.RawMessage, error) {
	return r.Results.Result(id)
}

type secrets struct{ *guest.Secrets }

func (s secrets) Secret(_ context.Context, name string) ([]byte, error) {
	return s.Secrets.Secret(name)
}

type channel struct{ guest.Channel }

func (c channel) Get(_ context.Context, key string) (json.RawMessage, error) {
	return c.Channel.Get(key)
}

func (c channel) Keys(_ context.Context, prefix string) ([]string, error) {
	return c.Channel.Keys(prefix), nil
}

func (c channel) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	return c.Channel.Apply(engine.ChannelOp{Op: engine.Op(op.Kind), Key: op.Key, Value: op.Value})
}

type control struct{ *guest.Control }

func (c control) NextTask(_ context.Context, n abi.NextTask) error { return c.Control.NextTask(n) }

func (c control) NextIteration(_ context.Context, data json.RawMessage) error {
	return c.Control.NextIteration(data)
}

func (c control) Terminate(_ context.Context, message string) error {
	return c.Control.Terminate(message)
}

func (c control) Cancel(_ context.Context, message string) error { return c.Control.Cancel(message) }

func (c control) Checkpoint(_ context.Context, name string, meta json.RawMessage) error {
	return c.Control.Checkpoint(name, meta)
}

func (c control) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	answer, err := c.Control.Pause(p)
	if errors.Is(err, guest.ErrPaused) {
		err = wasmhost.ErrPaused
	}
	return answer, err
}
