//go:build wasip1

// Command warmtask is task, with its hot path run once before the snapshot.
package main

import (
	"github.com/graflow/graflow-wasm/bench/guests/work"
	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

var sum = sdk.Task("sum", "adds numbers", func(_ *sdk.Context, in work.Numbers) (work.Sum, error) {
	return work.Total(in), nil
})

func init() {
	sdk.Warmup(func() { _, _ = work.Bytes([]byte(`{"numbers":[1.5,2,3]}`)) })
}

//go:wasmexport sum
func _sum() int32 { return sum.Run() }
