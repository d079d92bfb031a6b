//go:build wasip1

// Command task sums as a task of our SDK (graflow ABI).
package main

import (
	"github.com/graflow/graflow-wasm/bench/guests/work"
	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

var sum = sdk.Task("sum", "adds numbers", func(_ *sdk.Context, in work.Numbers) (work.Sum, error) {
	return work.Total(in), nil
})

//go:wasmexport sum
func _sum() int32 { return sum.Run() }
