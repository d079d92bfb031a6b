// Command guest has one task for each thing that has to be the same inside a
// container and outside.
package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() {}

var echo = sdk.Task("echo", "returns its input", func(_ *sdk.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })

//go:wasmexport echo
func _echo() int32 { return echo.Run() }

var effects = sdk.Task("effects", "does whatever a task can", func(c *sdk.Context, _ any) (map[string]any, error) {
	c.Log("a line\nand another")
	c.Logger().Warn("careful", "n", 1)
	c.Progress(1, 2, "half")
	ch := c.Channel()
	_, missing := sdk.ResultOf[any](c, "nobody")
	_, secretless := c.Secret("other")
	var answer, tool any
	err := errors.Join(
		ch.Set("a", map[string]int{"x": 1}), ch.Append("list", nil), ch.Prepend("list", "é"), ch.Add("n", 1.5), ch.Delete("list"),
		c.Spawn(abi.NextTask{ID: "n", Handler: "wasm", Spec: json.RawMessage(`"#echo"`), Input: json.RawMessage(`[1]`), Goto: true}),
		c.NextIteration([]int{1}), c.Terminate("enough"), c.Cancel("stop"), c.Checkpoint(nil), c.CheckpointAs("named", 1),
		c.Pause(abi.Pause{Name: "approve", Message: "well?", Timeout: abi.Duration(time.Hour), Default: json.RawMessage(`1`)}, &answer),
		c.Tool("add", []int{1, 2}, &tool),
	)
	if err != nil {
		return nil, err
	}
	a, _, err := sdk.Get[any](c, "a")
	_, none, _ := sdk.Get[any](c, "none")
	keys, keysErr := ch.Keys("")
	up, upErr := sdk.ResultOf[string](c, "up")
	secret, secretErr := c.Secret("key")
	binary, binaryErr := c.Secret("binary")
	return map[string]any{
		"meta": c.Meta(), "a": a, "none": none, "keys": keys, "up": up, "secret": len(secret), "binary": []byte(binary), "answer": answer, "tool": tool,
		"missing": errors.Is(missing, abi.NotFound), "secretless": secretless.Error(), "env": os.Environ(),
	}, errors.Join(err, keysErr, upErr, secretErr, binaryErr)
})

//go:wasmexport effects
func _effects() int32 { return effects.Run() }

var fail = sdk.Task("fail", "fails", func(*sdk.Context, any) (any, error) {
	return nil, sdk.RetryAfter(sdk.Permanent(sdk.Fail("bad_weather", "it rains \"cats\"\nand dogs")), 1500*time.Millisecond)
})

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

var crash = sdk.Task("crash", "panics", func(_ *sdk.Context, in []int) (int, error) { return in[len(in)], nil })

//go:wasmexport crash
func _crash() int32 { return crash.Run() }

var trap = sdk.Task("trap", "leaves the guest", func(*sdk.Context, any) (any, error) {
	deep(3)
	return nil, nil
})

//go:noinline
func deep(n int) int {
	if n == 0 {
		os.Exit(7)
	}
	return deep(n-1) + 1
}

//go:wasmexport trap
func _trap() int32 { return trap.Run() }

var spin = sdk.Task("spin", "never ends", func(*sdk.Context, any) (any, error) {
	for {
	}
})

//go:wasmexport spin
func _spin() int32 { return spin.Run() }

var recurse = sdk.Task("recurse", "calls itself", func(*sdk.Context, any) (int, error) { return below(0), nil })

//go:noinline
func below(n int) int {
	if n < 0 {
		return 0
	}
	return below(n+1) + 1
}

//go:wasmexport recurse
func _recurse() int32 { return recurse.Run() }

var hoard [][]byte

var grow = sdk.Task("grow", "takes memory", func(*sdk.Context, any) (any, error) {
	for {
		hoard = append(hoard, make([]byte, 1<<20))
	}
})

//go:wasmexport grow
func _grow() int32 { return grow.Run() }

var talk = sdk.Task("talk", "returns too much", func(*sdk.Context, any) (string, error) {
	return string(make([]byte, 2<<20)), nil
})

//go:wasmexport talk
func _talk() int32 { return talk.Run() }

var denied = sdk.Task("denied", "reads a secret that it needs", func(c *sdk.Context, _ any) (string, error) { return c.Secret("key") })

//go:wasmexport denied
func _denied() int32 { return denied.Run() }

var wait = sdk.Task("wait", "pauses", func(c *sdk.Context, _ any) (any, error) { return nil, c.Pause(abi.Pause{Name: "unanswered"}, nil) })

//go:wasmexport wait
func _wait() int32 { return wait.Run() }
