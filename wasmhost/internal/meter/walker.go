package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// walker surveys bodies one after another.
type walker struct {
	*survey
	f      *function
	d      *wasmbin.Decoder
	labels []label
	header int32 // the loop that begins here, until anything can happen in it
}

// label is an open block.
type label struct {
	region int32 // that its instructions belong to
	owner  int32 // the loop around it, or the function
	header int32 // the loop whose header it begins in
	arity  int32 // values that a branch to it moves
	out    int32 // the outermost label that code within branches to
	loop   bool
	table  bool // a br_table leads to its end
	listed bool // the one that this header ends with
	lands  bool // there are landings within
}

func (w *walker) body(index uint32, b *wasmbin.Body) {
	t := w.m.TypeOf(index)
	w.f = &w.functions[index]
	w.f.regions = append(w.f.regions, region{charged: true})
	w.f.frame = frame(t, b, w.m.MaxStack, int(index)-w.m.ImportedFunctions)
	w.labels, w.header = append(w.labels[:0], label{arity: int32(len(t.Results))}), 0
	w.d = wasmbin.NewDecoder(b)
	first := true
	for w.d.Next() {
		if w.d.Op == wasmbin.OpLoop && first {
			w.f.leads = true
		}
		first = first && leading(w.d.Op)
		at := w.labels[len(w.labels)-1].region
		c := w.instruction(at)
		w.f.regions[at].add(c)
		w.lead()
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

// instruction notes what an instruction does and returns its cost.
func (w *walker) instruction(at int32) int64 {
	d := w.d
	c := cost(d.Op)
	switch d.Op {
	case wasmbin.OpBlock, wasmbin.OpIf:
		_, results := w.m.BlockArity(d.A)
		w.open(label{region: at, header: w.header, arity: int32(results)})
	case wasmbin.OpLoop:
		w.loop(at)
	case wasmbin.OpElse:
		w.labels[len(w.labels)-1].region = w.labels[len(w.labels)-2].region
	case wasmbin.OpEnd:
		w.end()
	case wasmbin.OpBr, wasmbin.OpBrIf:
		c += w.branch(uint32(d.A))
	case wasmbin.OpBrTable:
		c += w.table()
	case wasmbin.OpReturn:
		c += w.branch(uint32(len(w.labels) - 1))
	case wasmbin.OpCall:
		c += w.call(at, uint32(d.A))
	case wasmbin.OpReturnCall:
		w.branch(uint32(len(w.labels) - 1))
		c += w.call(at, uint32(d.A))
	case wasmbin.OpCallIndirect:
		w.f.indirect = true
		c += moves(w.m.Types[d.A])
	case wasmbin.OpReturnCallIndirect:
		w.branch(uint32(len(w.labels) - 1))
		w.f.indirect = true
		c += moves(w.m.Types[d.A])
	default:
		w.note()
	}
	return c
}

// note notes the use of what is not flow of control.
func (w *walker) note() {
	switch d := w.d; d.Op {
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
