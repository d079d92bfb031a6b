package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	inside.Child()
	os.Exit(m.Run())
}

// TestRun runs each contender, briefly: its numbers mean nothing.
func TestRun(t *testing.T) {
	t.Parallel()
	if err := exec.CommandContext(t.Context(), "docker", "info").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no Docker daemon answers: ", err)
		}
		t.Skip("SKIPPED: no Docker daemon answers: ", err)
	}
	var out bytes.Buffer
	results := t.TempDir()
	if err := run(t.Context(), []string{"-rounds", "1", "-turn", "1ms", "-results", results}, &out); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n| "); lines < 9 {
		t.Errorf("got %d lines, want a head, a rule and eight contenders:\n%s", lines, out.String())
	}
	kept, err := os.ReadFile(results + "/containers.md")
	if err != nil || !bytes.Equal(kept, out.Bytes()) {
		t.Errorf("kept %q, %v, want what was printed", kept, err)
	}
}
