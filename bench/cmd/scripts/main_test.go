package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	os.Exit(m.Run())
}

// TestRun runs each part, briefly: its numbers mean nothing.
func TestRun(t *testing.T) {
	t.Parallel()
	var lacks []error
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		_, err := runtimes.Open(name)
		lacks = append(lacks, err)
	}
	for _, name := range []string{"python3", "node"} {
		_, err := exec.LookPath(name)
		lacks = append(lacks, err)
	}
	if err := errors.Join(lacks...); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED: ", err)
	}
	var out bytes.Buffer
	results := t.TempDir()
	if err := run(t.Context(), []string{"-rounds", "1", "-turn", "1ms", "-sessions", "3", "-results", results}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Python in our sandbox", "| TypeScript in our sandbox", "| TypeScript, a text seen before", "| regex over 200 KB, JavaScript", "| javascript", "3 sessions"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no line %q in\n%s", want, out.String())
		}
	}
	kept, err := os.ReadFile(results + "/scripts.md")
	if err != nil || !bytes.Equal(kept, out.Bytes()) {
		t.Errorf("kept %q, %v, want what was printed", kept, err)
	}
}
