package estimate

// link places a block in the tree of dominators, below its idom. Besides it, a
// block knows a remote ancestor, its jump, so that walks up the tree take
// logarithmic time (Myers, An applicative random-access stack, 1983).
//
// All ways into a block but the back edges of its loop are known when it
// begins, and back edges come from blocks that it dominates. So no block's
// dominator changes later.
func (g *graph) link(id int32) {
	b := &g.blocks[id]
	if b.idom == id {
		return
	}
	up := &g.blocks[b.idom]
	b.depth = up.depth + 1
	far := &g.blocks[up.jump]
	if up.depth-far.depth == far.depth-g.blocks[far.jump].depth {
		b.jump = far.jump
	} else {
		b.jump = b.idom
	}
}

// common returns the nearest block that dominates both.
func (g *graph) common(a, b int32) int32 {
	if g.blocks[a].depth < g.blocks[b].depth {
		a, b = b, a
	}
	for level := g.blocks[b].depth; g.blocks[a].depth > level; {
		if far := g.blocks[a].jump; g.blocks[far].depth >= level {
			a = far
		} else {
			a = g.blocks[a].idom
		}
	}
	for a != b {
		if x, y := g.blocks[a].jump, g.blocks[b].jump; x != y {
			a, b = x, y
		} else {
			a, b = g.blocks[a].idom, g.blocks[b].idom
		}
	}
	return a
}
