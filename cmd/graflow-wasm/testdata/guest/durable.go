package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// note leaves a line in the mounted directory for each attempt: the side effect
// that the tests count.
func note(c *sdk.Context) error {
	f, err := os.OpenFile("/notes/lines", os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, c.Task())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

var link = sdk.Task("link", "notes itself and makes a number of a number", func(c *sdk.Context, n int) (int, error) {
	return (n*31 + len(c.Task())) % 1_000_003, note(c)
})

//go:wasmexport link
func _link() int32 { return link.Run() }

var total = sdk.Task("total", "notes itself and sums", func(c *sdk.Context, parts map[string]int) (int, error) {
	sum := 0
	for _, n := range parts {
		sum += n
	}
	return sum, note(c)
})

//go:wasmexport total
func _total() int32 { return total.Run() }

var milestone = sdk.Task("milestone", "notes itself, asks for a checkpoint and answers with its input", func(c *sdk.Context, in json.RawMessage) (json.RawMessage, error) {
	if err := c.CheckpointAs(c.Task(), map[string]string{"by": c.Task()}); err != nil {
		return nil, err
	}
	return in, note(c)
})

//go:wasmexport milestone
func _milestone() int32 { return milestone.Run() }

var gate = sdk.Task("gate", "notes itself once somebody lets it", func(c *sdk.Context, _ any) (string, error) {
	var name string
	err := c.Pause(abi.Pause{Name: "who", Message: "who lets it?", Schema: json.RawMessage(`{"type": "string"}`)}, &name)
	if err != nil {
		return "", err
	}
	return "let by " + name, note(c)
})

//go:wasmexport gate
func _gate() int32 { return gate.Run() }

var mended = sdk.Task("mended", "fails until a file is there, and logs", func(c *sdk.Context, _ any) (string, error) {
	c.Log("attempt %d of %s", c.Attempt(), c.Task())
	if err := note(c); err != nil {
		return "", err
	}
	data, err := os.ReadFile("/notes/mended")
	return string(data), err
})

//go:wasmexport mended
func _mended() int32 { return mended.Run() }
