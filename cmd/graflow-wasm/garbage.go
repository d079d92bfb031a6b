package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// firstHeap is how much memory of Go's is made before garbage is collected for the first
// time, in bytes. By Go's defaults it is 4 MiB, and a short run would collect six times,
// each time beside its own work on the same processors.
const firstHeap = 64 << 20

// collectLate puts off the first collection of garbage until there are firstHeap bytes.
// From then on Go's defaults hold. Whoever set GOGC or GOMEMLIMIT has decided already.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(firstHeap)
	// What nothing leads to is noticed by the first collection.
	runtime.SetFinalizer(&firstGarbage{}, func(*firstGarbage) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	})
}

// firstGarbage must not be of the tiny objects, which share their memory.
type firstGarbage struct{ _ [64]byte }
