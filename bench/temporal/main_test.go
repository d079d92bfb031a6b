package main

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
	"github.com/graflow/graflow-wasm/bench/internal/record"
)

// TestQuick lets Temporal do everything once in each class: its figures mean nothing,
// but that nothing is lost, that chains are in order and that joins come last does.
func TestQuick(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"-quick", "-round", "2"}, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	lines, err := record.Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]int{}
	for _, l := range lines {
		if l.Measured != nil && l.Measured.Round == 2 && l.Measured.Version != "unknown" {
			cases[l.Measured.Case]++
		}
	}
	for _, name := range []string{queue.CaseStart, queue.CaseJob, queue.CaseJobs, queue.CaseFlood, queue.CaseChain, queue.CaseChains, queue.CaseFanOut} {
		if got, want := cases[name], len(peers); got != want {
			t.Errorf("%s: got %d records, want %d", name, got, want)
		}
	}
}
