package main

import (
	"encoding/base64"

	"github.com/graflow/graflow-wasm/sdk"
)

var measure = sdk.Task("measure", "measures a secret", func(c *sdk.Context, name string) (int, error) {
	value, err := c.Secret(name)
	return len(value), err
})

//go:wasmexport measure
func _measure() int32 { return measure.Run() }

var leak = sdk.Task("leak", "tells a secret wherever it can, and fails with it", func(c *sdk.Context, name string) (any, error) {
	value, err := c.Secret(name)
	if err != nil {
		return nil, err
	}
	c.Log("plain %s", value)
	c.Log("quoted %q", value)
	c.Log("encoded %s", base64.StdEncoding.EncodeToString([]byte("user:"+value)))
	c.Progress(1, 2, "noted "+value)
	return nil, sdk.Fail("sorry", "failed with %q", value)
})

//go:wasmexport leak
func _leak() int32 { return leak.Run() }

var wrap = sdk.Task("wrap", "returns a secret in base64, within an object", func(c *sdk.Context, name string) (any, error) {
	value, err := c.Secret(name)
	return map[string]string{"authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+value))}, err
})

//go:wasmexport wrap
func _wrap() int32 { return wrap.Run() }
