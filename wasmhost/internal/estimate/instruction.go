package estimate

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// instruction adds an instruction to the graph.
func (g *graph) instruction(d *wasmbin.Decoder) {
	if g.at == none {
		g.unreachable(d)
		return
	}
	switch d.Op {
	case wasmbin.OpLocalGet:
		g.get(int32(d.A))
	case wasmbin.OpLocalSet, wasmbin.OpLocalTee:
		g.set(int32(d.A))
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpIf:
		params, results := g.m.BlockArity(d.A)
		g.counts[moved] += float64(params)
		g.open(d.Op, int32(params), int32(results))
	case wasmbin.OpElse:
		g.elseArm()
	case wasmbin.OpEnd:
		g.counts[moved] += float64(g.frames[len(g.frames)-1].results)
		g.close()
	case wasmbin.OpBr:
		g.branch(uint32(d.A))
		g.leave()
	case wasmbin.OpReturn:
		g.counts[moved] += float64(g.frames[0].results)
		g.leave()
	case wasmbin.OpBrIf:
		before := g.at
		g.branch(uint32(d.A))
		g.leave()
		g.begin(g.edge(before, none), 0)
	case wasmbin.OpBrTable:
		g.branchTable(d)
	case wasmbin.OpUnreachable:
		g.leave()
	default:
		g.plain(d)
	}
}

// plain adds instructions that neither branch nor use locals.
func (g *graph) plain(d *wasmbin.Decoder) {
	switch d.Op {
	case wasmbin.OpCall:
		g.move(g.m.TypeOf(uint32(d.A)))
		g.call()
	case wasmbin.OpCallIndirect:
		g.move(g.m.Types[d.A])
		g.call()
	case wasmbin.OpReturnCall:
		g.move(g.m.TypeOf(uint32(d.A)))
		g.leave()
	case wasmbin.OpReturnCallIndirect:
		g.move(g.m.Types[d.A])
		g.leave()
	case wasmbin.OpGlobalGet, wasmbin.OpGlobalSet:
		g.counts[walked] += float64(g.blocks[g.at].chain)
	case wasmbin.OpMemoryGrow, wasmbin.OpMemoryCopy, wasmbin.OpMemoryFill, wasmbin.OpTableGrow:
		g.call()
	case wasmbin.OpMemoryInit, wasmbin.OpTableCopy, wasmbin.OpTableFill, wasmbin.OpTableInit:
		g.call()
		g.branchAround()
	default:
		if i := d.Op.Immediate(); i == wasmbin.ImmMemArg || i == wasmbin.ImmMemArgLane {
			b := &g.blocks[g.at]
			b.bounds++
			g.counts[walked] += 2 * float64(b.chain)
		}
	}
}

// unreachable follows the blocks in code that can't be reached.
func (g *graph) unreachable(d *wasmbin.Decoder) {
	switch d.Op {
	case wasmbin.OpBlock, wasmbin.OpLoop, wasmbin.OpIf:
		g.dead++
	case wasmbin.OpElse:
		if g.dead == 0 {
			g.elseArm()
		}
	case wasmbin.OpEnd:
		if g.dead > 0 {
			g.dead--
			return
		}
		g.close()
	}
}

func (g *graph) elseArm() {
	f := &g.frames[len(g.frames)-1]
	if g.at != none {
		f.pending = g.edge(g.at, f.pending)
		g.leave()
	}
	g.other(f)
}

// branchTable adds an edge for each block that a br_table leads to.
func (g *graph) branchTable(d *wasmbin.Decoder) {
	before := g.at
	for depth := range d.Targets {
		f := &g.frames[len(g.frames)-1-int(depth)]
		list := f.pending
		if f.op == wasmbin.OpLoop {
			list = g.blocks[f.header].in
		}
		g.counts[targets]++
		if list != none && g.edges[list].from == before {
			g.edges[list].weight++
			g.counts[moved] += float64(f.branch)
			if f.op == wasmbin.OpLoop {
				g.blocks[f.header].preds++
			}
			continue
		}
		g.edges[g.branch(depth)].table = true
	}
	g.leave()
}

// get reads a local: the compiler walks up the chain to where it is defined.
func (g *graph) get(local int32) {
	v := &g.values[local]
	if v.defined == g.stamp {
		return
	}
	b := &g.blocks[g.at]
	if v.root != b.root {
		v.root, v.pos = b.root, 0
	}
	g.counts[walked] += float64(b.chain - v.pos)
	if v.used != g.stamp {
		v.used = g.stamp
		g.locals = append(g.locals, local)
	}
}

func (g *graph) set(local int32) {
	g.sets++
	v := &g.values[local]
	if v.defined == g.stamp {
		return
	}
	b := &g.blocks[g.at]
	v.defined, v.root, v.pos = g.stamp, b.root, b.chain
	g.defs = append(g.defs, local)
}

func (g *graph) move(t wasmbin.FuncType) {
	g.counts[moved] += float64(len(t.Params) + len(t.Results))
}

// usualGlobals is how many mutable globals toolchains emit: Go has 8.
const usualGlobals = 16

// call is any call: what memory and globals hold is loaded anew behind it.
func (g *graph) call() {
	g.counts[reloaded] += float64(max(0, g.globals-usualGlobals))
	g.counts[forgotten] += float64(g.blocks[g.at].bounds)
	if g.loops > 0 {
		g.set(g.fuel)
	}
}
