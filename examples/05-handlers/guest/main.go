// Command guest computes, beside handlers of other kinds in the same flow.
package main

import "github.com/graflow/graflow-wasm/sdk"

func main() {}

// Sample is what was measured.
type Sample struct {
	Values []float64 `json:"values" doc:"at least one number"`
}

var mean = sdk.Task("mean", "the arithmetic mean of some values", func(_ *sdk.Context, in Sample) (float64, error) {
	if len(in.Values) == 0 {
		return 0, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "mean of no values: give at least one"))
	}
	// A running mean, so that large values do not overflow their sum.
	var m float64
	for i, v := range in.Values {
		m += (v - m) / float64(i+1)
	}
	return m, nil
})

//go:wasmexport mean
func _mean() int32 { return mean.Run() }
