package main

import (
	"testing"

	"github.com/graflow/graflow-wasm/sdk"
)

func TestMean(t *testing.T) {
	t.Parallel()
	if got, err := mean.Call(nil, Sample{Values: []float64{1, 2, 6}}); got != 3 || err != nil {
		t.Errorf("got %v, %v, want 3", got, err)
	}
	l := sdk.NewLocal(sdk.LocalConfig{})
	if _, err := mean.Call(l, Sample{}); err == nil || l.Effects().Failure.Kind != sdk.KindInvalidInput {
		t.Errorf("no values: got %v, want invalid input", err)
	}
}
