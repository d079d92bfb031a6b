// Command guest misbehaves on request, for the tests of the command.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

var echo = sdk.Task("echo", "answers with its input", func(_ *sdk.Context, in json.RawMessage) (json.RawMessage, error) {
	if len(in) == 0 {
		return json.RawMessage("null"), nil
	}
	return in, nil
})

var fail = sdk.Task("fail", "fails", func(*sdk.Context, any) (any, error) {
	return nil, sdk.Fail("sorry", "as you asked")
})

var loop = sdk.Task("loop", "never ends", func(c *sdk.Context, _ any) (int, error) {
	c.Log("looping")
	for n := 0; ; n++ {
		if n < 0 {
			return n, nil
		}
	}
})

var shout = sdk.Task("shout", "logs without end", func(c *sdk.Context, _ any) (int, error) {
	for {
		c.Log("%s", strings.Repeat("a", 1000))
	}
})

var flood = sdk.Task("flood", "answers with more than anybody wants", func(*sdk.Context, any) (string, error) {
	return strings.Repeat("a", 1<<20), nil
})

//go:wasmexport echo
func _echo() int32 { return echo.Run() }

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

//go:wasmexport loop
func _loop() int32 { return loop.Run() }

//go:wasmexport shout
func _shout() int32 { return shout.Run() }

//go:wasmexport flood
func _flood() int32 { return flood.Run() }

//go:wasmimport graflow_v1 output_write
func outputWrite(ptr *byte, n int32) int32

// Not a task of the SDK's: it writes what is no JSON.
//
//go:wasmexport garbage
func garbage() int32 {
	text := []byte("not JSON")
	return min(0, outputWrite(&text[0], int32(len(text))))
}

//go:wasmexport exit
func exit() int32 {
	os.Exit(7)
	return 0
}
