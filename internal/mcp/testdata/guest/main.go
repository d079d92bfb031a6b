// Command guest has tasks with inputs and results of all shapes, for tests.
package main

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() { sdk.Main() }

type box struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

var resize = sdk.Task("resize", "doubles a box", func(c *sdk.Context, in box) (box, error) {
	c.Log("resizing %dx%d", in.Width, in.Height)
	return box{Width: 2 * in.Width, Height: 2 * in.Height}, nil
})

var shout = sdk.Task("shout", "says it louder", func(_ *sdk.Context, in string) (string, error) {
	return in + "!", nil
})

var total = sdk.Task("total", "adds boxes", func(_ *sdk.Context, in []box) (int, error) {
	sum := 0
	for _, b := range in {
		sum += b.Width * b.Height
	}
	return sum, nil
})

var fail = sdk.Task("fail", "fails", func(c *sdk.Context, _ box) (any, error) {
	c.Log("about to fail")
	return nil, sdk.Fail("sorry", "as you asked")
})

var loop = sdk.Task("loop", "never ends", func(*sdk.Context, box) (int, error) {
	for n := 0; ; n++ {
		if n < 0 {
			return n, errors.New("negative")
		}
	}
})

var runCode = sdk.Task("run_code", "has a name that is taken", func(_ *sdk.Context, in box) (string, error) {
	return fmt.Sprint(in), nil
})

//go:wasmexport resize
func _resize() int32 { return resize.Run() }

//go:wasmexport shout
func _shout() int32 { return shout.Run() }

//go:wasmexport total
func _total() int32 { return total.Run() }

//go:wasmexport fail
func _fail() int32 { return fail.Run() }

//go:wasmexport loop
func _loop() int32 { return loop.Run() }

//go:wasmexport run_code
func _runCode() int32 { return runCode.Run() }
