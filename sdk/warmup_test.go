package sdk

import (
	"slices"
	"testing"
)

func TestWarmup(t *testing.T) {
	t.Parallel()
	var ran []string
	Warmup(func() { ran = append(ran, "a") })
	Warmup(func() { ran = append(ran, "b") })
	warmUp()
	if want := []string{"a", "b"}; !slices.Equal(ran, want) {
		t.Errorf("got %q, want %q", ran, want)
	}
}
