package main

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/sdk"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

var boolean = json.RawMessage(`{"type":"boolean"}`)

// purchase asks twice. Each attempt tells how far it came.
var purchase = sdk.Task("purchase", "asks for approval, then for a color", func(c *sdk.Context, price int) (map[string]any, error) {
	c.Log("asks for %d", price)
	if err := c.Channel().Add("asked", 1); err != nil {
		return nil, err
	}
	var approved bool
	if err := c.Pause(abi.Pause{Name: "approve", Message: "too much?", Schema: boolean}, &approved); err != nil {
		return nil, err
	}
	c.Log("approved: %v", approved)
	var color *string
	if err := c.Pause(abi.Pause{Name: "color"}, &color); err != nil {
		return nil, err
	}
	c.Log("color")
	if err := c.CheckpointAs("bought", map[string]int{"price": price}); err != nil {
		return nil, err
	}
	return map[string]any{"approved": approved, "color": color}, c.Checkpoint(nil)
})

//go:wasmexport purchase
func _purchase() int32 { return purchase.Run() }

// wait pauses as its input says.
var wait = sdk.Task("wait", "pauses", func(c *sdk.Context, p abi.Pause) (json.RawMessage, error) {
	if p.Name == "cancel" {
		if err := c.Cancel("stop it"); err != nil {
			return nil, err
		}
	}
	var answer json.RawMessage
	return answer, c.Pause(p, &answer)
})

//go:wasmexport wait
func _wait() int32 { return wait.Run() }

// hide does what it can to run on after a pause.
var hide = sdk.Task("hide", "goes on after a pause, if it can", func(c *sdk.Context, _ any) (string, error) {
	defer c.Log("deferred")
	func() {
		defer func() { _ = recover() }()
		_ = c.Pause(abi.Pause{Name: "a"}, nil)
	}()
	c.Log("went on")
	return "went on", c.Terminate("went on")
})

//go:wasmexport hide
func _hide() int32 { return hide.Run() }
