package estimate

// term is a kind of steps of the compiler that can take longer than in
// proportion to the size of a function. Its passes are named in brackets.
type term int

const (
	walked    term = iota // blocks that lookups of locals, globals and memory pass (findValue)
	moved                 // values given to branches and calls
	targets               // of br_tables
	forgotten             // addresses in bounds that calls make unknown (resetAbsoluteAddressInSafeBounds)
	known                 // addresses in bounds that blocks inherit (initializeCurrentBlockKnownBounds)
	reloaded              // globals that are loaded behind calls (reloadAfterCall)
	dominated             // blocks above the ends of edges (isDominatedBy, intersect, passBuildLoopNestingForest)
	merged                // pairs of edges into one block (addPred, splitCriticalEdge)
	demanded              // blocks that lookups pass above merges, for each local (findValue)
	phis                  // arguments compared at merges (passRedundantPhiElimination)
	alive                 // values live at ends of edges (livenessAnalysis, updateLiveInVRState)
	nested                // values that blocks inherit from loops above (loopTreeDFS)
	spilled               // blocks that are searched for a place to spill values (scheduleSpill)
	termCount
)

// nanoseconds are what a step takes. Each was found on shapes for which its
// term decides: wazero 1.12.0, amd64, 3 GHz, one worker. Two are higher because
// of the memory that a step takes: known and reloaded (170 instead of 400).
var nanoseconds = [termCount]float64{
	walked:    10,
	moved:     600,
	targets:   500,
	forgotten: 4,
	known:     30,
	reloaded:  400,
	dominated: 16,
	merged:    0.3,
	demanded:  80,
	phis:      1.7,
	alive:     60,
	nested:    5,
	spilled:   400,
}

// Of a branch of a br_table, the compiler makes a block, and visits it in an
// order in which it needs more rounds to find dominators.
const tableRounds = 6

// sum is what a block inherits from those above it.
type sum struct {
	loop   int32   // nearest loop header at or above it
	values float64 // live in the loops above it
}

// finish counts what is known only of the whole graph. stack is how many
// operands there are at most.
func (g *graph) finish(stack float64) {
	if !g.findLive() {
		g.huge = true
		return
	}
	g.sums = zeroed(g.sums, len(g.blocks))
	live, deepest := 0.0, int32(0)
	for id := range int32(len(g.blocks)) {
		b := &g.blocks[id]
		n := float64(g.live.count[id])
		live += n * float64(1+g.trampolines(id))
		deepest = max(deepest, b.depth)
		g.inherit(id, n, stack)
		g.count(id, n, stack)
	}
	// Each value is sought a place for once, upwards from its uses. The state of
	// many blocks does not fit into the cache.
	live = min(live, float64(g.sets+g.fuel)*float64(deepest))
	blocks := float64(len(g.blocks))
	g.counts[spilled] += (live + stack*blocks) * min(1, 0.1+(blocks+g.counts[targets])/1000)
}

// count adds what a block costs, in which live locals are live.
func (g *graph) count(id int32, live, stack float64) {
	const others = 4 // the contexts, the memory's address and size
	b := &g.blocks[id]
	chains := 0.0
	for e := b.in; e != none; e = g.edges[e].nextIn {
		from := &g.blocks[g.edges[e].from]
		w := float64(g.edges[e].weight)
		steps := w * float64(from.depth+2)
		if g.edges[e].table {
			steps *= tableRounds
		}
		g.counts[dominated] += steps
		chains += w * float64(from.chain+1)
	}
	preds, width := float64(b.preds), float64(b.width)
	g.counts[merged] += preds * preds
	g.counts[alive] += (preds + float64(g.trampolines(id))) * (live + width + stack + others)
	g.counts[known] += preds * float64(b.bounds)
	if preds < 2 && !b.header {
		return
	}
	g.counts[demanded] += chains * live
	// Locals that are the same on all ways get a parameter, too: the compiler
	// sees that only when it compares.
	params := width + live
	g.counts[phis] += params * params * preds
}

// trampolines is how many blocks the compiler puts before a block, for branches
// of br_tables.
func (g *graph) trampolines(id int32) (n int32) {
	for e := g.blocks[id].in; e != none; e = g.edges[e].nextIn {
		if g.edges[e].table {
			n += g.edges[e].weight
		}
	}
	return n
}

// inherit adds up the values that are passed on from the loops above a block.
func (g *graph) inherit(id int32, live, stack float64) {
	b, s := &g.blocks[id], &g.sums[id]
	*s = g.sums[b.idom]
	if id == 0 {
		s.loop = none
	}
	g.counts[nested] += s.values
	if !b.header {
		return
	}
	values := live + stack
	if s.loop != none { // what did not change is the same value
		values = min(values, float64(max(b.end, b.sets)-g.blocks[s.loop].sets)+stack/4)
	}
	s.values += values
	s.loop = id
}
