package sim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine/enginetest/sim"
)

var (
	seeds = flag.Int("sim.seeds", 2_000, "how many seeds to simulate")
	first = flag.Uint64("sim.seed", 1, "the first of them")
	loud  = flag.Bool("sim.trace", false, "print each step of what breaks a rule")
	one   = flag.String("sim.case", "testdata/*.json", "the cases to replay")
)

// TestSimulate plays seeds, and shrinks the first that breaks a rule.
func TestSimulate(t *testing.T) {
	t.Parallel()
	var next, steps atomic.Uint64
	var broken atomic.Bool
	var kinds tally[sim.Fault]
	t.Run("seeds", func(t *testing.T) {
		t.Parallel()
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1) - 1; i < uint64(*seeds) && !broken.Load(); i = next.Add(1) - 1 {
					c := sim.Generate(*first + i)
					play := sim.Simulate(t, c, nil)
					steps.Add(uint64(play.Steps))
					kinds.add(play.Struck)
					if play.Broken != nil && !broken.Swap(true) {
						report(t, c, play)
					}
				}
			})
		}
	})
	t.Cleanup(func() { t.Logf("%d seeds, %d steps, faults: %s", *seeds, steps.Load(), kinds.String()) })
}

// report shrinks a broken case and prints it.
func report(t *testing.T, c sim.Case, play sim.Play) {
	t.Helper()
	t.Errorf("seed %d: %v", c.Seed, play.Broken)
	small, shrunk := sim.Shrink(t, c, play)
	t.Logf("shrunk to a case that breaks %v\nkeep it in testdata:\n%s", shrunk.Broken, small)
	t.Logf("again: go test ./engine/enginetest/sim -run 'TestSimulate$' -sim.seeds 1 -sim.seed %d -sim.trace", c.Seed)
	if *loud {
		replay(t, small)
	}
}

// replay plays a case, tells its steps, and returns what came of it.
func replay(t *testing.T, c sim.Case) sim.Play {
	t.Helper()
	var steps []string
	play := sim.Simulate(t, c, func(s string) { steps = append(steps, s) })
	if *loud {
		for _, s := range steps {
			t.Log(s)
		}
		for _, e := range play.Log {
			raw, err := json.Marshal(e)
			t.Log(string(raw), err)
		}
	}
	return play
}

// TestCases plays the cases that have found something once.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(*one)
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
			var c sim.Case
			if err := json.Unmarshal(raw, &c); err != nil {
				t.Fatal(err)
			}
			if play := replay(t, c); play.Broken != nil {
				t.Errorf("%s: %v", c.Note, play.Broken)
			}
		})
	}
}

// TestRepeatable plays seeds twice, the second time by their schedules: all that
// is journaled is the same. Only executions of one attempt that end at the same
// instant can't be told apart: they may change places.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	const ties = 6
	differ := 0
	for seed := range uint64(300) {
		c := sim.Generate(seed)
		a := sim.Simulate(t, c, nil)
		c.Schedule = a.Schedule
		b := sim.Simulate(t, c, nil)
		if got, want := journal(b), journal(a); got != want || a.Steps != b.Steps {
			differ++
			t.Logf("seed %d: %d steps, then %d:\n%s\n%s", seed, a.Steps, b.Steps, want, got)
		}
	}
	if differ > ties {
		t.Errorf("%d seeds of 300 do not repeat, want at most %d", differ, ties)
	}
}

func journal(p sim.Play) string {
	s := ""
	for _, e := range p.Log {
		s += fmt.Sprintf("%d %s %q %d %s %s\n", e.Seq, e.Type, e.Activation, e.Attempt, e.Time, e.Value)
	}
	return s
}

// TestScheduleText reads what a schedule is written as.
func TestScheduleText(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		want := sim.Simulate(t, sim.Generate(seed), nil).Schedule.String()
		var s sim.Schedule
		if err := s.UnmarshalText([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := s.String(); got != want {
			t.Errorf("seed %d: got %q, want %q", seed, got, want)
		}
	}
}
