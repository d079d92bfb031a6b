package estimate_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
)

// graphs builds the graphs of random functions.
func graphs(t *testing.T, check func(t *testing.T, g estimate.Graph)) {
	t.Helper()
	blocks := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		recipe := newRecipe(r)
		recipe.locals, recipe.stack, recipe.functions = min(recipe.locals, 8), 0, 1
		g := estimate.Build(parse(t, recipe.bytes(1+r.IntN(4))), 0)
		blocks += len(g.Dominators)
		if check(t, g); t.Failed() {
			t.Fatalf("seed %d: %v: %+v", seed, recipe, g)
		}
	}
	if blocks < 5000 {
		t.Errorf("looked at %d blocks, want 5000", blocks)
	}
}

// The dominators that are found while the code is read are those that the
// definition gives for the whole graph, back edges included.
func TestDominators(t *testing.T) {
	t.Parallel()
	graphs(t, func(t *testing.T, g estimate.Graph) {
		t.Helper()
		for b, want := range dominators(len(g.Dominators), g.Edges) {
			if got := g.Dominators[b]; got != want {
				t.Errorf("block %d is dominated by %d, want %d", b, got, want)
			}
		}
	})
}

// A local is live in a block if a way leads from there to a use and meets no
// definition before.
func TestLive(t *testing.T) {
	t.Parallel()
	graphs(t, func(t *testing.T, g estimate.Graph) {
		t.Helper()
		for b, want := range live(g) {
			if got := g.Live[b]; b > 0 && got != want { // what only the first uses is not counted there
				t.Errorf("%d locals are live in block %d, want %d", got, b, want)
			}
		}
	})
}

// live walks from each use of each local backwards.
func live(g estimate.Graph) []int32 {
	in := make([][]int32, len(g.Uses))
	for _, e := range g.Edges {
		in[e[1]] = append(in[e[1]], e[0])
	}
	seen := map[[2]int32]bool{}
	counts := make([]int32, len(g.Uses))
	var up func(block, local int32)
	up = func(block, local int32) {
		if seen[[2]int32{block, local}] {
			return
		}
		seen[[2]int32{block, local}] = true
		counts[block]++
		for _, from := range in[block] {
			if !slices.Contains(g.Defs[from], local) {
				up(from, local)
			}
		}
	}
	for b, uses := range g.Uses {
		for _, local := range uses {
			up(int32(b), local)
		}
	}
	return counts
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
