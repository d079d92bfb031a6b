package sim_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine/enginetest/sim"
)

// BenchmarkSimulator plays seeds on one processor: flows of a few dozen
// activations, all faults, all checks. A bubble wants a test, hence RunTests.
func BenchmarkSimulator(b *testing.B) {
	seed, steps := uint64(0), 0
	play := testing.InternalTest{Name: "seed", F: func(t *testing.T) { //nolint:thelper // a test
		for range 100 {
			seed++
			p := sim.Simulate(t, sim.Generate(seed), nil) // whether it breaks a rule is for TestSimulate
			steps += p.Steps
		}
	}}
	all := func(string, string) (bool, error) { return true, nil }
	for b.Loop() {
		if !testing.RunTests(all, []testing.InternalTest{play}) {
			b.Fatal("a seed did not end")
		}
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(seed)/b.Elapsed().Seconds(), "seeds/s")
}
