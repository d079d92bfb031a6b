package sim_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest/sim"
)

// TestSimulateAgain counts what one process begins a second time: of two tickets of an
// attempt, and of one that came again since the process stood still, the attempt that runs
// keeps each. Those that begin again do so since nothing had run when the ticket came.
func TestSimulateAgain(t *testing.T) {
	t.Parallel()
	for trouble, most := range map[sim.Trouble]int{"duplicate": 30, "freeze": 150} {
		t.Run(string(trouble), func(t *testing.T) {
			t.Parallel()
			again, ran := 0, 0
			for seed := range uint64(200) {
				c := sim.GenerateCluster(900_000 + seed)
				c.Troubles, c.Rate, c.Nodes = []sim.Trouble{trouble, "slow"}, 0.3, []sim.ClusterNode{{Part: engine.PartBoth, Slots: 4}}
				play := sim.SimulateCluster(t, c, nil)
				if play.Broken != nil {
					t.Errorf("seed %d: %v", c.Seed, play.Broken)
				}
				again += play.Again
				ran += play.Ran
			}
			if t.Logf("of %d executions %d began again", ran, again); again > most {
				t.Errorf("of %d executions %d began again, want up to %d", ran, again, most)
			}
		})
	}
}
