package sim_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine/enginetest/sim"
)

var clusterSeeds = flag.Int("sim.cluster", 1_000, "how many seeds of clusters to simulate")

// TestSimulateCluster plays seeds of clusters, and makes the first smaller that
// breaks a rule.
func TestSimulateCluster(t *testing.T) {
	t.Parallel()
	var next, struck, events, ran atomic.Uint64
	var broken atomic.Bool
	var kinds tally[sim.Trouble]
	t.Run("seeds", func(t *testing.T) {
		t.Parallel()
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < uint64(*clusterSeeds) && !broken.Load(); i = next.Add(1) - 1 {
					c := sim.GenerateCluster(*first + i)
					play := sim.SimulateCluster(t, c, nil)
					struck.Add(uint64(play.Struck))
					kinds.add(play.Kinds)
					events.Add(uint64(play.Events))
					ran.Add(uint64(play.Ran))
					if play.Broken != nil && !broken.Swap(true) {
						reportCluster(t, c, play)
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		t.Logf("%d seeds of clusters, %d events, %d executions, %d troubles", *clusterSeeds, events.Load(), ran.Load(), struck.Load())
		t.Logf("of these %s", kinds.String())
	})
}

// reportCluster makes a broken case small and prints it.
func reportCluster(t *testing.T, c sim.ClusterCase, play sim.ClusterPlay) {
	t.Helper()
	t.Errorf("seed %d: %v", c.Seed, play.Broken)
	small, shrunk := sim.ShrinkCluster(t, c, play)
	t.Logf("of %d plays %d of the seed break that rule, and %d of the small case", plays, broken(t, c, play.Broken.Rule), broken(t, small, play.Broken.Rule))
	t.Logf("shrunk to a case that breaks %v\nkeep it in testdata/cluster:\n%s", shrunk.Broken, small)
	t.Logf("again: go test ./engine/enginetest/sim -run 'TestSimulateCluster$' -sim.cluster 1 -sim.seed %d -sim.trace", c.Seed)
	for range plays {
		if !*loud {
			break
		}
		if again, steps := traceCluster(t, small); again.Broken != nil {
			tell(t, again, steps)
			break
		}
	}
}

// plays are how often a broken case is played again: goroutines that are ready at the
// same instant go in the runtime's order, so some break a rule now and then only.
const plays = 50

// broken tells how many of them break a rule.
func broken(t *testing.T, c sim.ClusterCase, rule string) (n int) {
	t.Helper()
	for range plays {
		if p := sim.SimulateCluster(t, c, nil); p.Broken != nil && p.Broken.Rule == rule {
			n++
		}
	}
	return n
}

// traceCluster plays a case, and returns what happened.
func traceCluster(t *testing.T, c sim.ClusterCase) (sim.ClusterPlay, []string) {
	t.Helper()
	var mu sync.Mutex // guards steps
	var steps []string
	play := sim.SimulateCluster(t, c, func(s string) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s)
	})
	return play, steps
}

func tell(t *testing.T, play sim.ClusterPlay, steps []string) {
	t.Helper()
	for _, s := range steps {
		t.Log(s)
	}
	for _, log := range play.Logs {
		for _, e := range log {
			raw, err := json.Marshal(e)
			t.Log(string(raw), err)
		}
	}
}

// TestClusterCases plays the cases that have found something once.
func TestClusterCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cluster/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var c sim.ClusterCase
			if err := json.Unmarshal(raw, &c); err != nil {
				t.Fatal(err)
			}
			for range 5 { // see plays
				play, steps := traceCluster(t, c)
				if *loud {
					tell(t, play, steps)
				}
				if play.Broken != nil {
					t.Fatalf("%s: %v", c.Note, play.Broken)
				}
			}
		})
	}
}
