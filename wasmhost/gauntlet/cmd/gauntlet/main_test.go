package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/runner"
)

func TestMain(m *testing.M) {
	runner.Child()
	os.Exit(m.Run())
}

func TestCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "modules")
	for _, test := range []struct {
		args string
		want string // in the output
		err  string // in the error, "" if none
	}{
		{"", "", "usage"},
		{"run a b", "", "usage"},
		{"list", "loop/br: a naive host spins", ""},
		{"run nothing-like-it", "0 cases", "no case matches"},
		{"run (", "", "missing closing"},
		{"run ^control/empty$", "1 cases, 0 lost", ""},
		{"isolated ^control/empty$", "1 cases, 0 lost", ""},
		{"write " + dir, "", ""},
	} {
		var out strings.Builder
		err := command(t.Context(), &out, strings.Fields(test.args))
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got error %v, want %q", test.args, err, test.err)
		}
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%s: got %q, want %q in it", test.args, out.String(), test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "manifest.json")); err != nil {
		t.Error(err)
	}
}
