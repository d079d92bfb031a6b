package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var next = sdk.Task("next", "asks for next tasks", func(c *sdk.Context, in []abi.NextTask) (string, error) {
	for _, n := range in {
		if err := c.Spawn(n); err != nil {
			return "", err
		}
	}
	return "asked", nil
})

//go:wasmexport next
func _next() int32 { return next.Run() }

var iterate = sdk.Task("iterate", "iterates up to 3", func(c *sdk.Context, n int) (int, error) {
	if n < 3 {
		return n, c.NextIteration(n + 1)
	}
	return n, nil
})

//go:wasmexport iterate
func _iterate() int32 { return iterate.Run() }

var terminate = sdk.Task("terminate", "terminates the run", func(c *sdk.Context, message string) (any, error) { return nil, c.Terminate(message) })

//go:wasmexport terminate
func _terminate() int32 { return terminate.Run() }

var cancel = sdk.Task("cancel", "cancels the run", func(c *sdk.Context, message string) (any, error) { return nil, c.Cancel(message) })

//go:wasmexport cancel
func _cancel() int32 { return cancel.Run() }

type line struct {
	Level   slog.Level `json:"level"`
	Message string     `json:"message"`
}

type progress struct {
	Done  float64 `json:"done"`
	Total float64 `json:"total"`
	Note  string  `json:"note"`
}

type telling struct {
	Log      []line     `json:"log"`
	Progress []progress `json:"progress"`
}

var tell = sdk.Task("tell", "tells what it is told", func(c *sdk.Context, in telling) (any, error) {
	for _, l := range in.Log {
		c.Logger().Log(context.Background(), l.Level, l.Message)
	}
	for _, p := range in.Progress {
		c.Progress(p.Done, p.Total, p.Note)
	}
	return nil, nil
})

//go:wasmexport tell
func _tell() int32 { return tell.Run() }

var pause = sdk.Task("pause", "pauses", func(c *sdk.Context, p abi.Pause) (json.RawMessage, error) {
	var answer json.RawMessage
	err := c.Pause(p, &answer)
	return answer, err
})

//go:wasmexport pause
func _pause() int32 { return pause.Run() }

var ask = sdk.Task("ask", "asks twice", func(c *sdk.Context, _ any) ([]json.RawMessage, error) {
	if err := c.Channel().Add("asked", 1); err != nil {
		return nil, err
	}
	answers := make([]json.RawMessage, 2)
	for i, name := range []string{"first", "second"} {
		if err := c.Pause(abi.Pause{Name: name}, &answers[i]); err != nil {
			return nil, err
		}
	}
	return answers, nil
})

//go:wasmexport ask
func _ask() int32 { return ask.Run() }

type point struct {
	Name string          `json:"name"`
	Meta json.RawMessage `json:"meta"`
}

var checkpoint = sdk.Task("checkpoint", "asks for checkpoints", func(c *sdk.Context, in []point) (any, error) {
	for _, p := range in {
		var meta any
		if p.Meta != nil {
			meta = p.Meta
		}
		send := c.Checkpoint
		if p.Name != "" {
			send = func(meta any) error { return c.CheckpointAs(p.Name, meta) }
		}
		if err := send(meta); err != nil {
			return nil, err
		}
	}
	return nil, nil
})

//go:wasmexport checkpoint
func _checkpoint() int32 { return checkpoint.Run() }
