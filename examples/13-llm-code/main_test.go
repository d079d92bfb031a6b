package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
)

// TestRun runs all snippets.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := run(t.Context(), ".", script.Config{}, &out)
	if missing := (*runtimes.MissingError)(nil); errors.As(err, &missing) && os.Getenv("CI") == "" {
		t.Skipf("THE EXAMPLE IS NOT TESTED: %v", missing)
	}
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
}
