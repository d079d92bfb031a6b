package natsbus

import (
	"runtime"
	"testing"
)

// memory is the heap that is in use, the server's in this process among it.
func memory(tb testing.TB) int64 {
	tb.Helper()
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far from its limits
}
