package estimate

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// none is the block of code that can't be reached, and the end of lists.
const none = -1

// block is a basic block.
type block struct {
	idom, depth, jump int32 // see dominators.go
	in, out           int32 // lists of edges
	preds             int32 // weights of the edges in
	header            bool
	chain             int32 // blocks of one predecessor up to here
	root              int32 // names the chain
	width             int32 // parameters of the block's type
	bounds            int32 // addresses known to be in bounds at its end
	uses, defs        span  // of locals
	sets              int32 // local.set before it, in order of the code
	end               int32 // of a loop: as sets, behind it
}

// span is a part of graph.locals.
type span struct{ from, to int32 }

// edge is a branch. weight is how often its target is in a br_table.
type edge struct {
	from, to        int32
	weight          int32
	table           bool // from a br_table, by a block of its own
	nextIn, nextOut int32
}

// frame is an open block of the code.
type frame struct {
	op      wasmbin.Opcode
	header  int32 // of a loop
	branch  int32 // arity of a branch to it
	results int32
	pending int32 // list of edges to what follows
	before  int32 // of an if without its else: the block that branches
}

// graph is the flow graph of one function. It is used for one function after
// another.
type graph struct {
	m       *wasmbin.Module
	globals int // mutable ones
	counts  [termCount]float64
	huge    bool // too many live locals to count them

	blocks []block
	edges  []edge
	frames []frame
	locals []int32 // that blocks use, or define
	defs   []int32 // of the current block
	at     int32   // current block, or none
	dead   int     // blocks opened in code that can't be reached
	fuel   int32   // a local that the meter adds
	loops  int     // around the current block
	sets   int32
	roots  int32
	values []value // by local

	stamp   int32 // tells blocks of all functions apart
	reading int32 // tells functions apart
	live    liveness
	sums    []sum // by block
}

// value is what is known of a local in the code that was read.
type value struct {
	defined, used int32 // stamp of the block that did last
	root, pos     int32 // where its definition is in a chain
	live          int32 // number among the function's live locals, in liveness
	function      int32 // that live is for
}

func newGraph(m *wasmbin.Module) *graph {
	g := &graph{m: m}
	for i := range m.Globals {
		if m.Globals[i].Mutable {
			g.globals++
		}
	}
	return g
}

// build reads the body of a function.
func (g *graph) build(t wasmbin.FuncType, body *wasmbin.Body) {
	g.blocks, g.edges, g.frames, g.locals = g.blocks[:0], g.edges[:0], g.frames[:0], g.locals[:0]
	g.sets, g.dead, g.huge = 0, 0, false
	clear(g.counts[:])
	g.fuel = int32(len(t.Params) + int(body.LocalCount))
	g.loops = 0
	if n := int(g.fuel) + 1 - len(g.values); n > 0 {
		g.values = append(g.values, make([]value, n)...)
	}
	results := int32(len(t.Results))
	g.frames = append(g.frames, frame{op: wasmbin.OpBlock, branch: results, results: results, pending: none})
	g.begin(none, 0)
	g.branchAround() // where the meter calls yield
	for d := wasmbin.NewDecoder(body); d.Next(); {
		g.instruction(d)
	}
	g.leave()
}

// begin starts the block that the edges of a list lead to.
func (g *graph) begin(in int32, width int32) {
	id := int32(len(g.blocks))
	b := block{idom: id, jump: id, in: in, out: none, width: width, sets: g.sets, bounds: none}
	edges := 0
	for e := in; e != none; e = g.edges[e].nextIn {
		g.edges[e].to = id
		from := &g.blocks[g.edges[e].from]
		b.preds += g.edges[e].weight
		if b.bounds == none || from.bounds < b.bounds {
			b.bounds = from.bounds
		}
		if edges == 0 {
			b.idom = g.edges[e].from
		} else {
			b.idom = g.common(b.idom, g.edges[e].from)
		}
		edges++
	}
	b.bounds = max(b.bounds, 0)
	switch {
	case edges == 1 && b.preds == 1:
		from := &g.blocks[b.idom]
		b.chain, b.root = from.chain+1, from.root
	default:
		g.roots++
		b.root = g.roots
	}
	g.at = id
	g.stamp++
	b.uses.from = int32(len(g.locals))
	g.defs = g.defs[:0]
	g.blocks = append(g.blocks, b)
	g.link(id)
}

// leave ends the current block.
func (g *graph) leave() {
	if g.at == none {
		return
	}
	b := &g.blocks[g.at]
	b.uses.to = int32(len(g.locals))
	g.locals = append(g.locals, g.defs...)
	b.defs = span{b.uses.to, int32(len(g.locals))}
	g.at = none
}

// edge adds an edge out of a block to a list of edges into another.
func (g *graph) edge(from, list int32) int32 {
	e := int32(len(g.edges))
	b := &g.blocks[from]
	g.edges = append(g.edges, edge{from: from, to: none, weight: 1, nextIn: list, nextOut: b.out})
	b.out = e
	return e
}

// branchAround models an if without else that calls.
func (g *graph) branchAround() {
	before := g.at
	g.leave()
	g.begin(g.edge(before, none), 0)
	g.call()
	then := g.at
	g.leave()
	// The empty else is a block of its own.
	g.begin(g.edge(before, none), 0)
	other := g.at
	g.leave()
	g.begin(g.edge(other, g.edge(then, none)), 0)
}

// open starts a block, loop or if.
func (g *graph) open(op wasmbin.Opcode, params, results int32) {
	f := frame{op: op, branch: results, results: results, pending: none, before: none}
	before := g.at
	switch op {
	case wasmbin.OpLoop:
		f.branch = params
		f.header = g.loop(params)
	case wasmbin.OpIf:
		f.before = before
		g.leave()
		g.begin(g.edge(before, none), 0)
	}
	g.frames = append(g.frames, f)
}

// loop models the two loops that the meter makes of one, and returns the header
// of the inner one.
func (g *graph) loop(params int32) int32 {
	if g.loops == 0 {
		g.set(g.fuel)
	}
	g.loops++
	before := g.at
	g.leave()
	g.begin(g.edge(before, none), params)
	g.header()
	outer := g.at
	g.get(g.fuel)
	g.branchAround()
	before = g.at
	g.leave()
	g.begin(g.edge(before, none), params)
	g.header()
	inner := g.at
	g.get(g.fuel)
	g.leave()
	g.begin(g.edge(inner, none), 0)
	g.backEdge(outer) // if there is no fuel left
	g.leave()
	g.begin(g.edge(inner, none), 0)
	g.get(g.fuel)
	g.set(g.fuel)
	return inner
}

func (g *graph) header() {
	b := &g.blocks[g.at]
	b.header = true
	g.roots++
	b.chain, b.root = 0, g.roots
}

// backEdge adds an edge from the current block to a loop's header.
func (g *graph) backEdge(header int32) int32 {
	e := g.edge(g.at, g.blocks[header].in)
	g.edges[e].to = header
	g.blocks[header].in = e
	g.blocks[header].preds++
	return e
}

// other starts the second arm of an if.
func (g *graph) other(f *frame) {
	g.begin(g.edge(f.before, none), 0)
	// What the first arm defined is not defined here.
	g.roots++
	g.blocks[g.at].root = g.roots
	f.before = none
}

// close ends a block, loop, if or the function.
func (g *graph) close() {
	f := g.frames[len(g.frames)-1]
	if g.at != none {
		f.pending = g.edge(g.at, f.pending)
		g.leave()
	}
	if f.op == wasmbin.OpIf && f.before != none {
		g.other(&f)
		f.pending = g.edge(g.at, f.pending)
		g.leave()
	}
	if f.op == wasmbin.OpLoop {
		g.loops--
		g.blocks[f.header].end = g.sets
	}
	pending, results := f.pending, f.results
	g.frames = g.frames[:len(g.frames)-1]
	if pending != none {
		g.begin(pending, results)
	}
	if f.op == wasmbin.OpLoop && g.at != none { // the end of the outer loop
		before := g.at
		g.leave()
		g.begin(g.edge(before, none), results)
	}
}

// branch adds an edge from the current block to a label, and returns it.
func (g *graph) branch(depth uint32) int32 {
	f := &g.frames[len(g.frames)-1-int(depth)]
	g.counts[moved] += float64(f.branch)
	if f.op == wasmbin.OpLoop {
		return g.backEdge(f.header)
	}
	f.pending = g.edge(g.at, f.pending)
	return f.pending
}
