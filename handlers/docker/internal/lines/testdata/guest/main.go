// A guest that uses every method of the SDK's Context, as a module and as a
// program.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

func main() { sdk.Main() }

// A report is what the methods answered, by name.
type report map[string]any

type box struct {
	Width int `json:"width"`
}

var everything = sdk.Task("everything", "asks for everything", func(c *sdk.Context, in box) (report, error) {
	r := report{"input": in, "meta": c.Meta(), "can_iterate": c.CanIterate()}
	note := func(name string, value any, err error) {
		r[name] = []any{value, code(err)}
	}
	up, err := sdk.ResultOf[box](c, "up")
	note("result", up, err)
	note("no result", nil, c.Result("none", new(any)))

	ch := c.Channel()
	note("set", nil, ch.Set("a<b", map[string]string{"x": "} \"\u2028"}))
	value, found, err := sdk.Get[map[string]string](c, "a<b")
	note("get", []any{value, found}, err)
	_, found, err = sdk.Get[int](c, "none")
	note("get none", found, err)
	note("empty key", nil, ch.Set("", nil))
	note("delete", nil, errors.Join(ch.Delete(""), ch.Delete("never")))
	note("lists", nil, errors.Join(ch.Append("l", 1), ch.Prepend("l", "two"), ch.Add("n", 0.5)))
	keys, err := ch.Keys("a")
	note("keys", keys, err)

	key, err := c.Secret("KEY")
	note("secret", key, err)
	binary, err := c.Secret("BINARY")
	note("binary", []byte(binary), err)
	_, err = c.Secret("OTHER")
	note("other secret", nil, err)
	_, err = c.Secret("NONE")
	note("no secret", nil, err)
	var echoed any
	err = c.Tool("echo", in, &echoed)
	note("tool", echoed, err)
	note("other tool", nil, c.Tool("rm", nil, &echoed))

	c.Log("plain %d\nand more", 1)
	c.Log("")
	log := c.Logger().With("k", 1)
	log.Warn("careful", "why", "two words")
	log.Debug("deep")
	c.Progress(1, 2, "half")
	zero := 0.0
	c.Progress(1/zero, zero/zero, "never")

	note("next", nil, errors.Join(
		c.NextTask("a"), c.Goto("b"),
		c.Spawn(abi.NextTask{ID: "c", Handler: "wasm", Spec: json.RawMessage(`"#c"`), Input: json.RawMessage("{ \"n\": 1 }")}),
	))
	note("next without id", nil, c.NextTask(""))
	note("iteration", nil, errors.Join(c.NextIteration(box{1}), c.NextIteration(nil)))
	note("checkpoints", nil, errors.Join(c.Checkpoint(1), c.Checkpoint(nil), c.CheckpointAs("here", in)))
	note("checkpoint without name", nil, c.CheckpointAs("", 1))
	var answer string
	err = c.Pause(abi.Pause{Name: "approve", Message: "ok?", Timeout: 1e9, Default: json.RawMessage("false")}, &answer)
	note("pause", answer, err)
	note("end", nil, errors.Join(c.Terminate("enough"), c.Cancel("no")))
	return r, nil
})

// code is what errors are on every host; their text may differ.
func code(err error) any {
	var c abi.Code
	if errors.As(err, &c) {
		return int(c)
	}
	return err
}

//go:wasmexport everything
func _everything() int32 { return everything.Run() }

var fails = sdk.Task("fails", "fails", func(c *sdk.Context, in any) (any, error) {
	return nil, sdk.Permanent(sdk.RetryAfter(sdk.Fail("full", "disk %d", 1), 1500e6))
})

//go:wasmexport fails
func _fails() int32 { return fails.Run() }

var panics = sdk.Task("panics", "panics", func(c *sdk.Context, in []int) (any, error) { return in[7], nil })

//go:wasmexport panics
func _panics() int32 { return panics.Run() }

var pauses = sdk.Task("pauses", "pauses", func(c *sdk.Context, in any) (any, error) {
	defer fmt.Fprintln(os.Stderr, "deferred")
	err := c.Pause(abi.Pause{Name: "unanswered"}, nil)
	fmt.Fprintln(os.Stderr, "it went on", err)
	return nil, c.Terminate("it went on")
})

//go:wasmexport pauses
func _pauses() int32 { return pauses.Run() }

var requests = sdk.Task("requests", "sends a request", func(c *sdk.Context, in any) (any, error) {
	_, err := c.HTTP(abi.HTTPRequest{Method: "GET", URL: "http://127.0.0.1/"})
	return nil, err
})

//go:wasmexport requests
func _requests() int32 { return requests.Run() }
