package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/record"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	os.Exit(m.Run())
}

// TestQuick runs everything once, briefly. Its figures mean nothing; that each host and
// each queue did the work is checked while it's measured.
func TestQuick(t *testing.T) { //nolint:paralleltest // its parts take turns on the machine
	var log bytes.Buffer
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-quick", "-results", dir, "-temporal-missing", "it has a target of its own"}, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	lines, err := record.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{} // who by part and case
	for _, l := range lines {
		switch {
		case l.Measured != nil:
			key := l.Measured.Part + " " + l.Measured.Case
			seen[key] = append(seen[key], l.Measured.Who)
		case l.Missing != nil && l.Missing.Who != "Temporal":
			t.Logf("SKIPPED: %s %s: %s", l.Missing.Who, l.Missing.Case, l.Missing.Why)
		case l.Missing != nil && l.Missing.Why != "it has a target of its own":
			t.Errorf("got %+v, want why", l.Missing)
		}
	}
	for key, who := range map[string][]string{
		"sandbox no-op":   {"ours", "wazero, fresh", "Extism, fresh", "wasmtime-go, fresh"},
		"sandbox sum":     {"ours", "wazero, reused: leaks state"},
		"sandbox echo":    {"ours", "Extism, fresh, with a timeout"},
		"sandbox fib":     {"ours"},
		"sandbox sha256":  {"ours"},
		"sandbox compile": {"ours", "wazero, fresh", "Extism, fresh", "wasmtime-go, fresh"},
		"queue job":       {"JetStream", "graflow-wasm"},
		"queue fan-out":   {"JetStream", "graflow-wasm"},
		"queue flood":     {"JetStream", "graflow-wasm"},
	} {
		for _, name := range who {
			if !slices.Contains(seen[key], name) {
				t.Errorf("%s: got %v, want %s among them", key, seen[key], name)
			}
		}
	}
	for _, name := range []string{"sandbox.txt", "queue.txt", "temporal.txt"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.HasPrefix(data, []byte(`{"machine":`)) {
			t.Errorf("got %s, %v, want the machine first", name, err)
		}
	}
}

func TestRefusesUnknownParts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	err := run(t.Context(), []string{"-only", "queue,nonsense"}, &log)
	if err == nil || !strings.Contains(err.Error(), `no part "nonsense"`) {
		t.Errorf("got %v, want it to name the part", err)
	}
}

func TestTellsWhoFails(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	dir := t.TempDir()
	args := []string{"-quick", "-rounds", "2", "-only", "temporal", "-temporal", "false", "-results", dir}
	if err := run(t.Context(), args, &log); err == nil || !strings.Contains(err.Error(), "measure Temporal: exit status 1") {
		t.Errorf("got %v, want it to say who failed", err)
	}
	lines, err := record.ReadDir(dir)
	if err != nil || len(lines) != 2 || lines[1].Missing == nil || lines[1].Missing.Why != "in round 1: exit status 1" {
		t.Errorf("got %+v, %v, want the machine, and why Temporal is missing, once", lines, err)
	}
}

func TestKeepsTheLastRecordsIfInterrupted(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	file := filepath.Join(t.TempDir(), "temporal.txt")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow := writerFunc(func(p []byte) { // as soon as Temporal's turn begins
		if bytes.Contains(p, []byte("Temporal")) {
			cancel()
		}
		log.Write(p)
	})
	if err := run(ctx, []string{"-quick", "-only", "temporal", "-temporal", "false", "-results", filepath.Dir(file)}, slow); err == nil {
		t.Error("got no error, want one")
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "kept" {
		t.Errorf("got %q, %v, want what was there", data, err)
	}
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}
