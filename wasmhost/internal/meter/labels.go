package meter

import (
	"math"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// open opens a block within the current one.
func (w *walker) open(l label) {
	if !l.loop {
		l.owner = w.labels[len(w.labels)-1].owner
	}
	l.out = math.MaxInt32
	w.labels = append(w.labels, l)
}

func (w *walker) loop(at int32) {
	params, _ := w.m.BlockArity(w.d.A)
	i := int32(len(w.f.regions))
	w.f.regions = append(w.f.regions, region{parent: at, owner: w.labels[len(w.labels)-1].owner})
	w.open(label{region: i, owner: i, arity: int32(params), loop: true})
	w.header = i
}

// lead ends the header of a loop with the first instruction that may do other
// than go on.
func (w *walker) lead() {
	switch {
	case w.d.Op == wasmbin.OpLoop || leading(w.d.Op):
		return
	case w.d.Op == wasmbin.OpBrTable && w.header > 0:
		w.dispatch()
	}
	w.header = 0
}

// dispatch notes a header that ends with a br_table, if that leads only to
// blocks that begin with the header.
func (w *walker) dispatch() {
	top := len(w.labels) - 1
	for depth := range w.d.Targets {
		if w.labels[top-int(depth)].header != w.header {
			return
		}
	}
	for depth := range w.d.Targets {
		w.labels[top-int(depth)].listed = true
	}
	w.f.regions[w.header].dispatches = true
}

// end closes a block. What follows belongs to the region that the block is in,
// whose charge nothing gets past, or is a landing.
func (w *walker) end() {
	last := len(w.labels) - 1
	l := w.labels[last]
	w.labels = w.labels[:last]
	if last == 0 {
		return
	}
	up := &w.labels[last-1]
	up.out = min(up.out, l.out)
	if l.loop {
		return
	}
	up.lands = up.lands || l.lands
	leaves := int(l.out) < last
	if l.listed || leaves && (l.table || l.lands) {
		w.f.regions = append(w.f.regions, region{
			parent: up.region, owner: up.owner, at: int32(w.d.Start), charged: true, listed: l.listed,
		})
		up.region, up.lands = int32(len(w.f.regions)-1), true
	}
}

// branch notes a branch and returns what it costs beyond the instruction.
func (w *walker) branch(depth uint32) int64 {
	top := len(w.labels) - 1
	to := top - int(depth)
	w.labels[top].out = min(w.labels[top].out, int32(to))
	if w.labels[to].loop {
		w.f.regions[w.labels[to].owner].charged = true
	}
	return int64(w.labels[to].arity / valuesPerUnit)
}

// table notes a br_table and returns what it costs beyond the instruction.
func (w *walker) table() int64 {
	c := int64(0)
	for depth := range w.d.Targets {
		c = max(c, w.branch(depth))
		w.labels[len(w.labels)-1-int(depth)].table = true
	}
	return c
}
