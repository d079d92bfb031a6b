package soak

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRun soaks a small cluster for some seconds, in which a worker is suspended,
// killed or terminated, or its network fails.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	dir := t.TempDir()
	found, err := Run(t.Context(), Config{
		Duration: 6 * time.Second, Seed: 3, Rate: 10, Servers: 1, Workers: 2, Concurrency: 4,
		Lease: 2 * time.Second, Archive: 2 * time.Second, Settle: time.Minute, OnWorkers: true, OnNetwork: true, OnCells: true, Dir: dir, JSON: filepath.Join(dir, "report.json"),
	}, &out)
	if err != nil || len(found) > 0 {
		t.Fatalf("found %v, %v\n%s", found, err, out.String())
	}
	for _, want := range []string{"lost                0", "committed twice     0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "faults              0") {
		t.Errorf("there was no fault:\n%s", out.String())
	}
	t.Log(out.String())
	raw, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var told reported
	if err := json.Unmarshal(raw, &told); err != nil || told.Runs == 0 || len(told.Faults) == 0 || told.Lost != 0 || told.Begun < told.Tries {
		t.Errorf("the report says %+v, %v", told, err)
	}
}
