// Command guest has one task for each thing that a handler's test looks at.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() {}

var noop = sdk.Task("noop", "does nothing", func(*sdk.Context, json.RawMessage) (any, error) { return nil, nil })

//go:wasmexport noop
func _noop() int32 { return noop.Run() }

var echo = sdk.Task("echo", "returns its input", func(c *sdk.Context, in json.RawMessage) (json.RawMessage, error) {
	c.Log("echo of %d bytes", len(in))
	c.Progress(1, 2, "half")
	return in, nil
})

//go:wasmexport echo
func _echo() int32 { return echo.Run() }

var meta = sdk.Task("meta", "returns what it is part of", func(c *sdk.Context, _ any) (abi.Meta, error) { return c.Meta(), nil })

//go:wasmexport meta
func _meta() int32 { return meta.Run() }

type failure struct {
	Kind      string
	Message   string
	Permanent bool
	After     string
	Cancel    string
}

var fail = sdk.Task("fail", "fails as it is told, after some effects", func(c *sdk.Context, in failure) (any, error) {
	err := errors.Join(c.Channel().Set("lost", true), c.Goto("lost"))
	if in.Cancel != "" {
		err = errors.Join(err, c.Cancel(in.Cancel))
	}
	if err != nil {
		return nil, err
	}
	err = sdk.Fail(in.Kind, "%s", in.Message)
	if in.Permanent {
		err = sdk.Permanent(err)
	}
	if d, bad := time.ParseDuration(in.After); bad == nil {
		err = sdk.RetryAfter(err, d)
	}
	return nil, err
})

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

var state = sdk.Task("state", "reads and writes the channel", func(c *sdk.Context, _ any) (map[string]any, error) {
	ch := c.Channel()
	err := errors.Join(
		ch.Add("n", 2), ch.Append("list", "b"), ch.Prepend("list", "a"),
		ch.Set("new", map[string]int{"x": 1}), ch.Delete("old"),
	)
	if err != nil {
		return nil, err
	}
	n, _, err := sdk.Get[int](c, "n")
	if err != nil {
		return nil, err
	}
	list, _, err := sdk.Get[[]string](c, "list")
	if err != nil {
		return nil, err
	}
	_, old, err := sdk.Get[any](c, "old")
	if err != nil {
		return nil, err
	}
	keys, err := ch.Keys("")
	if err != nil {
		return nil, err
	}
	before, err := sdk.ResultOf[string](c, "before")
	if err != nil {
		return nil, err
	}
	wrong := ch.Add("list", 1)
	_, missing := sdk.ResultOf[any](c, "nobody")
	return map[string]any{
		"n": n, "list": list, "old": old, "keys": keys, "before": before,
		"wrong": errors.Is(wrong, abi.Invalid), "missing": errors.Is(missing, abi.NotFound),
	}, nil
})

//go:wasmexport state
func _state() int32 { return state.Run() }

var set = sdk.Task("set", "sets a channel key", func(c *sdk.Context, key string) (any, error) {
	return nil, c.Channel().Set(key, true)
})

//go:wasmexport set
func _set() int32 { return set.Run() }

var spawn = sdk.Task("spawn", "asks for the tasks of its input", func(c *sdk.Context, in []abi.NextTask) (string, error) {
	for _, next := range in {
		if err := c.Spawn(next); err != nil {
			return "", err
		}
	}
	return "spawned", nil
})

//go:wasmexport spawn
func _spawn() int32 { return spawn.Run() }

var count = sdk.Task("count", "iterates up to 3", func(c *sdk.Context, n int) (int, error) {
	if n < 3 {
		return n, c.NextIteration(n + 1)
	}
	return n, nil
})

//go:wasmexport count
func _count() int32 { return count.Run() }

var end = sdk.Task("end", "terminates the run", func(c *sdk.Context, message string) (any, error) { return nil, c.Terminate(message) })

//go:wasmexport end
func _end() int32 { return end.Run() }

var crash = sdk.Task("crash", "traps", func(*sdk.Context, any) (any, error) {
	go func() { panic("boom") }() // out of reach of the task's recovery
	time.Sleep(time.Second)
	return nil, nil
})

//go:wasmexport crash
func _crash() int32 { return crash.Run() }

var spin = sdk.Task("spin", "never ends", func(*sdk.Context, any) (any, error) {
	for n := 0; ; n++ {
		if n < 0 {
			return n, nil
		}
	}
})

//go:wasmexport spin
func _spin() int32 { return spin.Run() }

var alloc = sdk.Task("alloc", "takes MiB of memory", func(_ *sdk.Context, mib int) (int, error) {
	b := make([]byte, mib<<20)
	for i := 0; i < len(b); i += 4096 {
		b[i] = 1
	}
	return len(b), nil
})

//go:wasmexport alloc
func _alloc() int32 { return alloc.Run() }

var look = sdk.Task("look", "reads an environment variable and a file", func(_ *sdk.Context, file string) (string, error) {
	data, err := os.ReadFile(file)
	return fmt.Sprintf("%s %s", os.Getenv("NAME"), data), err
})

//go:wasmexport look
func _look() int32 { return look.Run() }

var secret = sdk.Task("secret", "tells a secret", func(c *sdk.Context, name string) (string, error) { return c.Secret(name) })

//go:wasmexport secret
func _secret() int32 { return secret.Run() }

var tool = sdk.Task("tool", "calls a tool", func(c *sdk.Context, name string) (json.RawMessage, error) {
	var answer json.RawMessage
	err := c.Tool(name, map[string]int{"n": 1}, &answer)
	return answer, err
})

//go:wasmexport tool
func _tool() int32 { return tool.Run() }
