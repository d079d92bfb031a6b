package statedir_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/statedir"
)

// openDir opens a directory for one test.
func openDir(tb testing.TB, path string, c statedir.Config) *statedir.Dir {
	tb.Helper()
	d, err := statedir.Open(path, c)
	check(tb, err)
	tb.Cleanup(func() { check(tb, d.Close()) })
	return d
}

// TestConformance runs with the time of a bubble, although files are I/O: who
// waits for a file is not blocked for good, so that time stands still meanwhile.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]statedir.Config{
		"always":                {},
		"interval":              {Sync: statedir.SyncInterval, SyncInterval: time.Second},
		"never":                 {Sync: statedir.SyncNever},
		"small files, one open": {SegmentSize: 200, OpenRuns: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enginetest.Suite{
				Open:   func(t *testing.T) *engine.Backend { t.Helper(); return openDir(t, t.TempDir(), c).Backend() },
				Bubble: true,
			}.Run(t)
		})
	}
}
