package estimate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
)

// The dominators that are found while the code is read are those that the
// textbook's fixed point gives for the whole graph, back edges included.
func TestDominators(t *testing.T) {
	t.Parallel()
	blocks := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		recipe := newRecipe(r)
		recipe.locals, recipe.stack, recipe.functions = min(recipe.locals, 8), 0, 1
		m := parse(t, recipe.bytes(1+r.IntN(4)))
		edges, got := estimate.Edges(m, 0)
		blocks += len(got)
		for b, want := range dominators(len(got), edges) {
			if got[b] != want {
				t.Fatalf("seed %d: block %d is dominated by %d, want %d: %v", seed, b, got[b], want, edges)
			}
		}
	}
	if blocks < 5000 {
		t.Errorf("looked at %d blocks, want 5000", blocks)
	}
}

// dominators removes each block in turn: what can't be reached then is dominated
// by it. The immediate dominator is dominated by all others.
func dominators(n int, edges [][2]int32) []int32 {
	above := make([]int, n) // how many blocks dominate one
	immediate := make([]int32, n)
	sets := make([][]bool, n)
	out := make([][]int32, n)
	for _, e := range edges {
		out[e[0]] = append(out[e[0]], e[1])
	}
	for removed := range n {
		sets[removed] = reached(out, removed)
		for b, ok := range sets[removed] {
			if !ok && b != removed {
				above[b]++
			}
		}
	}
	for b := range n {
		immediate[b] = int32(b)
		best := -1
		for a := range n {
			if a != b && !sets[a][b] && above[a] > best {
				best, immediate[b] = above[a], int32(a)
			}
		}
	}
	return immediate
}

// reached are the blocks that can be reached from the first without one.
func reached(out [][]int32, without int) []bool {
	seen := make([]bool, len(out))
	if without == 0 {
		return seen
	}
	seen[0] = true
	for stack := []int32{0}; len(stack) > 0; {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, to := range out[b] {
			if int(to) != without && !seen[to] {
				seen[to] = true
				stack = append(stack, to)
			}
		}
	}
	return seen
}
