package estimate

import "math/bits"

// What toolchains emit stays far below these.
const (
	mostBits  = 200_000_000   // of all sets of a function: 25 MB
	mostWords = 1_000_000_000 // that are computed, in all passes
)

// liveness holds, for each block, the set of locals whose values are used in
// the block or behind it. Only locals that some block uses and does not define
// before are in the sets.
type liveness struct {
	locals int      // in the sets
	words  int      // of a set
	bits   []uint64 // sets of all blocks, one after another
	count  []int32  // of locals, by block
	next   []uint64
}

func (l *liveness) set(block int32) []uint64 {
	return l.bits[int(block)*l.words:][:l.words]
}

// findLive fills liveness. It reports false if there are too many locals in too
// many blocks.
func (g *graph) findLive() bool {
	l := &g.live
	l.locals = g.numberLive()
	l.words = (l.locals + 63) / 64
	n := len(g.blocks)
	if n*l.words*64 > mostBits {
		return false
	}
	l.bits = zeroed(l.bits, n*l.words)
	l.next = zeroed(l.next, l.words)
	l.count = zeroed(l.count, n)
	if l.words == 0 {
		return true
	}
	// A pass or two per loop within loops, and one that finds all done.
	work := 0
	for changed := true; changed; {
		if work += n * l.words; work > mostWords {
			return false
		}
		changed = false
		for id := int32(n - 1); id >= 0; id-- {
			changed = g.liveAt(id) || changed
		}
	}
	for id := range int32(n) {
		for _, w := range l.set(id) {
			l.count[id] += int32(bits.OnesCount64(w))
		}
	}
	return true
}

// numberLive numbers the locals that are in the sets.
func (g *graph) numberLive() int {
	g.reading++
	live := int32(0)
	for i := 1; i < len(g.blocks); i++ { // what the first block uses is live in no other
		for _, local := range g.locals[g.blocks[i].uses.from:g.blocks[i].uses.to] {
			if v := &g.values[local]; v.function != g.reading {
				v.function, v.live = g.reading, live
				live++
			}
		}
	}
	return int(live)
}

// liveAt computes the set of one block anew and reports whether it changed.
func (g *graph) liveAt(id int32) bool {
	l, b := &g.live, &g.blocks[id]
	clear(l.next)
	for e := b.out; e != none; e = g.edges[e].nextOut {
		if to := g.edges[e].to; to != none {
			for i, w := range l.set(to) {
				l.next[i] |= w
			}
		}
	}
	for _, local := range g.locals[b.defs.from:b.defs.to] {
		if v := &g.values[local]; v.function == g.reading {
			l.next[v.live/64] &^= 1 << (v.live % 64)
		}
	}
	for _, local := range g.locals[b.uses.from:b.uses.to] {
		if v := &g.values[local]; v.function == g.reading {
			l.next[v.live/64] |= 1 << (v.live % 64)
		}
	}
	changed := false
	for i, w := range l.set(id) {
		if w != l.next[i] {
			changed = true
		}
	}
	if changed {
		copy(l.set(id), l.next)
	}
	return changed
}

func zeroed[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
