package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out, log strings.Builder
	if err := run(t.Context(), "./guest", &out, &log); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "succeeded: 3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := log.String(), "mean took "; !strings.HasPrefix(got, want) {
		t.Errorf("got log %q, want it to start with %q", got, want)
	}
}
