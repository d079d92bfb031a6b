package docs_test

import (
	"os"
	"strings"
	"testing"
)

// TestPromises wants each promise on code to name tests that are there.
func TestPromises(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("untrusted-code.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| promise | shown by |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("no promises found")
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 2 {
			t.Errorf("%q: %d cells, want a promise and its proof", cells[0], len(cells))
			continue
		}
		checkProof(t, cells[0], cells[1])
	}
}
