//go:build wasip1

// Command held is task, but reports progress before it ends, so that the host
// can keep it there.
package main

import (
	"github.com/graflow/graflow-wasm/bench/guests/work"
	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

var sum = sdk.Task("sum", "adds numbers", func(c *sdk.Context, in work.Numbers) (work.Sum, error) {
	out := work.Total(in)
	c.Progress(1, 1, "")
	return out, nil
})

//go:wasmexport sum
func _sum() int32 { return sum.Run() }
