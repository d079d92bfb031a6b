package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/cases"
	"github.com/graflow/graflow-wasm/bench/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	cases.Child()
	os.Exit(m.Run())
}

// TestCases runs every case, briefly: its numbers mean nothing, but that each
// host did the work is checked while it is measured, and the fuel for good.
func TestCases(t *testing.T) { //nolint:paralleltest // its cases take turns on the machine
	_, noClang := exec.LookPath("clang-19")
	builder := guest.Builder{Dir: t.TempDir()}
	for _, c := range cases.All { //nolint:paralleltest // likewise
		t.Run(c.Name, func(t *testing.T) {
			var out bytes.Buffer
			b := &cases.Bench{Scale: cases.Tiny, Guests: builder, Out: &out, Results: t.TempDir()}
			if err := b.Run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "SKIPPED") {
				if noClang == nil {
					t.Errorf("skipped although clang-19 is here:\n%s", out.Bytes())
				}
				t.Skip(out.String())
			}
			if !strings.Contains(out.String(), "| ---") {
				t.Errorf("got no table:\n%s", out.Bytes())
			}
			kept, err := filepath.Glob(filepath.Join(b.Results, "*.txt"))
			if err != nil || len(kept) == 0 {
				t.Errorf("got results %v, %v, want some", kept, err)
			}
		})
	}
}

func TestRefusesUnknownCases(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"-only", "sum,nonsense"}, &out)
	if err == nil || !strings.Contains(err.Error(), `no case "nonsense"`) {
		t.Errorf("got %v, want it to name the case", err)
	}
}
