//go:build wasip1

// Command calls holds what every host is asked for, on the graflow ABI.
package main

import (
	"github.com/graflow/graflow-wasm/bench/guests/work"
	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

//go:wasmexport noop
func noop() int32 { return 0 }

var sumTask = sdk.Task("sum", "adds numbers", func(_ *sdk.Context, in work.Numbers) (work.Sum, error) {
	return work.Total(in), nil
})

//go:wasmexport sum
func sum() int32 { return sumTask.Run() }

var echoTask = sdk.Task("echo", "answers its input", func(_ *sdk.Context, in any) (any, error) { return in, nil })

//go:wasmexport echo
func echo() int32 { return echoTask.Run() }

//go:wasmexport fib
func fib() int32 { return work.Fibonacci() }

//go:wasmexport sha256
func hash() int32 { return work.Hash() }
