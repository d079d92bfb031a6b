//go:build wasip1

// Command callsplugin is calls as an Extism plug-in, by Extism's own PDK.
package main

import (
	"github.com/extism/go-pdk"

	"github.com/graflow/graflow-wasm/bench/guests/work"
)

func main() {}

//go:wasmexport noop
func noop() int32 { return 0 }

//go:wasmexport sum
func sum() int32 { return answer(work.Bytes) }

//go:wasmexport echo
func echo() int32 { return answer(work.Echo) }

//go:wasmexport fib
func fib() int32 { return work.Fibonacci() }

//go:wasmexport sha256
func hash() int32 { return work.Hash() }

func answer(do func([]byte) ([]byte, error)) int32 {
	output, err := do(pdk.Input())
	if err != nil {
		pdk.SetError(err)
		return 1
	}
	pdk.Output(output)
	return 0
}
