package gauntlet_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/runner"
)

func TestMain(m *testing.M) {
	runner.Child()
	os.Exit(m.Run())
}

// TestGauntlet holds our own host to all verdicts, one case after the other:
// what is measured is time. With the race detector it runs some groups only;
// `make gauntlet` runs all.
func TestGauntlet(t *testing.T) { //nolint:paralleltest // see above
	play(t, false)
}

// TestGauntletIsolated is TestGauntlet with each guest in a cell.
func TestGauntletIsolated(t *testing.T) { //nolint:paralleltest // see above
	if runtime.GOOS != "linux" {
		t.Skip("there are cells on Linux only")
	}
	play(t, true)
}

func play(t *testing.T, isolated bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("minutes; without -short")
	}
	for _, c := range gauntlet.Cases() {
		if runner.Race && !slices.Contains([]string{"control", "leak", "forge"}, c.Group) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			outcome, err := runner.Run(t.Context(), c, isolated)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(outcome.Line())
			if !outcome.Won() {
				t.Errorf("%s: a naive host %s\n%s", c.Name, c.Attack, strings.Join(outcome.Wrong, "\n"))
			}
		})
	}
}
