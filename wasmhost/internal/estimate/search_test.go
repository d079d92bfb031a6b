package estimate_test

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

var (
	search = flag.Duration("search", 0, "for how long to search for modules that take longer than estimated")
	seed   = flag.Uint64("seed", 1, "where the search begins")
)

// TestSearch compiles random shapes that are just about accepted, and fails if
// one takes longer than a second more than the limit.
//
//nolint:paralleltest // what it measures should have the machine for itself
func TestSearch(t *testing.T) {
	if *search == 0 {
		t.Skip("takes minutes: set -search")
	}
	worst, measured := 0.0, 0
	for begun := time.Now(); time.Since(begun) < *search; *seed++ {
		r := rand.New(rand.NewPCG(*seed, 1))
		recipe := newRecipe(r)
		wasm, cost := largest(recipe, limit, 200<<10)
		if wasm == nil {
			continue
		}
		measured++
		took, mebibytes := measure(t, wasm, 15*time.Second)
		ratio := float64(took) / float64(cost.Linear+cost.Excess)
		worst = max(worst, ratio)
		if ratio > 1.2 && took > time.Second || mebibytes > 700 {
			t.Logf("seed %d: %d bytes took %v and %d MiB, estimated %v: %v", *seed, len(wasm), took, mebibytes, cost.Linear+cost.Excess, recipe)
			m := parse(t, wasm)
			all, _ := estimate.Explain(m, cost.Function)
			t.Logf("    %d blocks, %d live locals:%s", cost.Blocks, cost.Live, all)
		}
		if took > limit+time.Second {
			t.Errorf("seed %d: %d bytes are accepted and took %v: %v", *seed, len(wasm), took, recipe)
		}
	}
	t.Logf("%d modules, up to seed %d; the worst took %.2f of its estimate", measured, *seed, worst)
}

// largest is the largest module of a shape whose excess is within limit.
func largest(r *recipe, limit time.Duration, size int) (wasm []byte, cost estimate.Cost) {
	each := (len(r.body(21)) - len(r.body(1))) * r.functions / 20
	low, high := 1, size/max(1, each)+1
	for low+1+low/20 < high {
		n := (low + high) / 2
		b := r.bytes(n)
		m, err := wasmbin.Parse(b, wasmbin.Limits{})
		if err == nil {
			err = m.Validate()
		}
		if err != nil || len(b) > size {
			high = n
			continue
		}
		if c := estimate.Compile(m); c.Excess <= limit {
			low, wasm, cost = n, b, c
		} else {
			high = n
		}
	}
	return wasm, cost
}
