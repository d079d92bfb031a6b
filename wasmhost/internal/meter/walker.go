package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// walker surveys bodies one after another.
type walker struct {
	*survey
	f      *function
	d      *wasmbin.Decoder
	labels []label
}

// label is an open block.
type label struct {
	region int32 // that its instructions belong to
	arity  int32 // values that a branch to it moves
	loop   bool
}

func (w *walker) body(index uint32, b *wasmbin.Body) {
	t := w.m.TypeOf(index)
	w.f = &w.functions[index]
	w.f.regions = append(w.f.regions, region{again: true})
	w.f.frame = frame(t, b, w.m.MaxStack, int(index)-w.m.ImportedFunctions)
	w.labels = append(w.labels[:0], label{arity: int32(len(t.Results))})
	w.d = wasmbin.NewDecoder(b)
	first := true
	for w.d.Next() {
		if w.d.Op == wasmbin.OpLoop && first {
			w.f.leads = true
		}
		first = first && leading(w.d.Op)
		w.instruction(w.labels[len(w.labels)-1].region)
	}
}

// frame estimates the bytes of stack that a call takes: what the engine keeps
// for itself, and a slot for every local and operand.
func frame(t wasmbin.FuncType, b *wasmbin.Body, heights []uint32, defined int) int64 {
	slots := int64(len(t.Params)) + int64(b.LocalCount)
	for _, p := range t.Params {
		if p == wasmbin.V128 {
			slots++
		}
	}
	for _, g := range b.Locals {
		if g.Type == wasmbin.V128 {
			slots += int64(g.Count)
		}
	}
	if heights != nil {
		slots += int64(heights[defined])
	}
	return 64 + 8*slots
}

// leading reports whether an instruction may come before a loop that pays for
// the function: nothing can see that its cost was not charged yet.
func leading(op wasmbin.Opcode) bool {
	switch op {
	case wasmbin.OpNop, wasmbin.OpBlock, wasmbin.OpLocalGet, wasmbin.OpLocalSet, wasmbin.OpLocalTee,
		wasmbin.OpGlobalGet, wasmbin.OpI32Const, wasmbin.OpI64Const:
		return true
	}
	return false
}

func (w *walker) instruction(at int32) {
	d := w.d
	c := cost(d.Op)
	switch d.Op {
	case wasmbin.OpBlock, wasmbin.OpIf:
		_, results := w.m.BlockArity(d.A)
		w.labels = append(w.labels, label{region: at, arity: int32(results)})
	case wasmbin.OpLoop:
		params, _ := w.m.BlockArity(d.A)
		w.f.regions = append(w.f.regions, region{parent: at})
		w.labels = append(w.labels, label{region: int32(len(w.f.regions) - 1), arity: int32(params), loop: true})
	case wasmbin.OpEnd:
		w.labels = w.labels[:len(w.labels)-1]
	case wasmbin.OpBr, wasmbin.OpBrIf:
		c += w.branch(uint32(d.A))
	case wasmbin.OpBrTable:
		for depth := range d.Targets {
			c = max(c, 1+w.branch(depth))
		}
	case wasmbin.OpReturn:
		c += int64(w.labels[0].arity / valuesPerUnit)
	case wasmbin.OpCall, wasmbin.OpReturnCall:
		c += w.call(at, uint32(d.A))
	case wasmbin.OpCallIndirect, wasmbin.OpReturnCallIndirect:
		w.f.indirect = true
		c += moves(w.m.Types[d.A])
	case wasmbin.OpRefFunc:
		w.functions[d.A].escapes, w.targets[d.A] = true, true
	case wasmbin.OpTableGrow:
		w.grows[d.A] = true
	case wasmbin.OpMemoryFill, wasmbin.OpMemoryCopy:
		w.uses[d.Op], w.f.ranges = true, true
	case wasmbin.OpMemoryGrow, wasmbin.OpMemoryInit, wasmbin.OpDataDrop,
		wasmbin.OpTableFill, wasmbin.OpTableCopy, wasmbin.OpTableInit:
		w.uses[d.Op] = true
	}
	w.f.regions[at].cost += c
}

// branch notes a branch and returns what it costs beyond the instruction.
func (w *walker) branch(depth uint32) int64 {
	to := w.labels[len(w.labels)-1-int(depth)]
	if to.loop {
		w.f.regions[to.region].again = true
	}
	return int64(to.arity / valuesPerUnit)
}

func (w *walker) call(at int32, callee uint32) int64 {
	c := moves(w.m.TypeOf(callee))
	if int(callee) < w.m.ImportedFunctions {
		return c + importCost
	}
	w.f.calls = append(w.f.calls, call{region: at, callee: callee})
	return c
}

func moves(t wasmbin.FuncType) int64 {
	return int64((len(t.Params) + len(t.Results)) / valuesPerUnit)
}
