package main

import (
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
)

// gcPercent is what GOGC is now; math.MaxUint64: off.
func gcPercent() uint64 {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// TestCollectLate: the first collection is put off, and Go is left to itself from then on.
// It is the whole process's, so no other test runs beside.
func TestCollectLate(t *testing.T) {
	before := gcPercent()
	t.Setenv("GOMEMLIMIT", "1GiB")
	if collectLate(); gcPercent() != before {
		t.Fatalf("GOGC is %d although the user has decided", gcPercent())
	}
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	if collectLate(); gcPercent() != math.MaxUint64 {
		t.Fatalf("GOGC is %d, want it to be off", gcPercent())
	}
	for range 1000 {
		runtime.GC()
		if gcPercent() == before {
			return
		}
	}
	t.Errorf("GOGC is %d after a collection, want %d", gcPercent(), before)
}
