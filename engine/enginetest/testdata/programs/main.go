// Command programs has the programs of enginetest.HandlerSuite, written with the
// SDK: the same source is a WebAssembly module and a container's program.
package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() { sdk.Main() }

var echo = sdk.Task("echo", "returns its input", func(_ *sdk.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })

//go:wasmexport echo
func _echo() int32 { return echo.Run() }

type failing struct {
	Kind       string       `json:"kind"`
	Message    string       `json:"message"`
	Permanent  bool         `json:"permanent"`
	RetryAfter abi.Duration `json:"retry_after"`
	Cancel     string       `json:"cancel"`
}

var fail = sdk.Task("fail", "fails as it is told", func(c *sdk.Context, in failing) (any, error) {
	if err := c.Channel().Set("lost", true); err != nil {
		return nil, err
	}
	if in.Cancel != "" {
		if err := c.Cancel(in.Cancel); err != nil {
			return nil, err
		}
	}
	err := errors.New(in.Message)
	if in.Kind != "" {
		err = sdk.Fail(in.Kind, "%s", in.Message)
	}
	if in.Permanent {
		err = sdk.Permanent(err)
	}
	if in.RetryAfter > 0 {
		err = sdk.RetryAfter(err, time.Duration(in.RetryAfter))
	}
	return nil, err
})

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

var result = sdk.Task("result", "returns the result of a task", func(c *sdk.Context, id string) (json.RawMessage, error) {
	value, err := sdk.ResultOf[json.RawMessage](c, id)
	if errors.Is(err, abi.NotFound) {
		return nil, nil
	}
	return value, err
})

//go:wasmexport result
func _result() int32 { return result.Run() }

var meta = sdk.Task("meta", "returns what it is part of", func(c *sdk.Context, _ any) (abi.Meta, error) { return c.Meta(), nil })

//go:wasmexport meta
func _meta() int32 { return meta.Run() }

var spin = sdk.Task("spin", "never ends", func(c *sdk.Context, _ any) (any, error) {
	c.Log("spinning")
	for n := 0; ; n++ {
		if n < 0 {
			return n, nil
		}
	}
})

//go:wasmexport spin
func _spin() int32 { return spin.Run() }

var crash = sdk.Task("crash", "crashes", func(c *sdk.Context, _ any) (any, error) {
	if err := c.Channel().Set("lost", true); err != nil {
		return nil, err
	}
	go func() { panic("boom") }() // out of reach of the task's recovery
	time.Sleep(time.Minute)
	return nil, nil
})

//go:wasmexport crash
func _crash() int32 { return crash.Run() }
