//go:build wasip1

// Command plugin sums as an Extism plug-in, by Extism's own PDK.
package main

import (
	"github.com/extism/go-pdk"

	"github.com/graflow/graflow-wasm/bench/guests/work"
)

func main() {}

//go:wasmexport sum
func sum() int32 {
	output, err := work.Bytes(pdk.Input())
	if err != nil {
		pdk.SetError(err)
		return 1
	}
	pdk.Output(output)
	return 0
}
