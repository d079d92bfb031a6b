package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// addedFunction is a function that the guest's code is made to call.
type addedFunction struct {
	name string
	typ  uint32
	code buffer // without the final end
}

var i32 = wasmbin.I32

// addFunctions writes the functions that the module needs, and no others.
func (r *rewriter) addFunctions() {
	if r.uses[wasmbin.OpMemoryFill] || r.uses[wasmbin.OpMemoryCopy] {
		r.rangeType = r.addType(params(i32, i32, i32), nil)
	}
	if r.uses[wasmbin.OpMemoryFill] {
		r.fill = r.add("memory.fill", params(i32, i32, i32), nil, r.fillCode())
	}
	if r.uses[wasmbin.OpMemoryCopy] {
		r.copy = r.add("memory.copy", params(i32, i32, i32), nil, r.copyCode())
	}
	if r.uses[wasmbin.OpMemoryGrow] {
		r.grow = r.add("memory.grow", params(i32), params(i32), r.growCode())
	}
	if r.uses[wasmbin.OpMemoryInit] {
		r.chargeBytes = r.add("charge bytes", params(i32, i32), params(i32), r.chargeCode(bytesShift))
	}
	if r.uses[wasmbin.OpTableFill] || r.uses[wasmbin.OpTableCopy] || r.uses[wasmbin.OpTableInit] {
		r.chargeElements = r.add("charge elements", params(i32, i32), params(i32), r.chargeCode(elementsShift))
	}
	r.growTable = make([]uint32, len(r.m.Tables))
	for i, used := range r.grows {
		if used {
			r.growTable[i] = r.add("table.grow", params(r.m.Tables[i].Type, i32), params(i32), r.growTableCode(uint32(i)))
		}
	}
}

func params(types ...wasmbin.ValueType) []wasmbin.ValueType { return types }

// add appends a function and returns its index. Each has one i32 local behind
// its parameters.
func (r *rewriter) add(name string, in, out []wasmbin.ValueType, code buffer) uint32 {
	r.added = append(r.added, addedFunction{name: Prefix + name, typ: r.addType(in, out), code: code})
	return uint32(len(r.m.Functions) + len(r.added))
}

// charge takes a fixed cost off the fuel and yields below zero. A stack that
// is below zero has been reported before, so looking at fuel is enough.
func (r *rewriter) charge(b *buffer, cost int64) {
	r.take(b, cost)
	r.yieldBelowZero(b)
}

// take takes a fixed cost off the fuel.
func (r *rewriter) take(b *buffer, cost int64) {
	b.opIndex(wasmbin.OpGlobalGet, r.fuel)
	b.i64Const(cost)
	b.op(opI64Sub)
	b.opIndex(wasmbin.OpGlobalSet, r.fuel)
}

// chargeLocal takes an i32 local off the fuel and yields below zero.
func (r *rewriter) chargeLocal(b *buffer, local uint32, shift, factor int64) {
	r.takeLocal(b, local, shift, factor)
	r.yieldBelowZero(b)
}

// takeLocal takes an i32 local, unsigned, off the fuel: shifted right and then
// times a factor.
func (r *rewriter) takeLocal(b *buffer, local uint32, shift, factor int64) {
	b.opIndex(wasmbin.OpGlobalGet, r.fuel)
	b.opIndex(wasmbin.OpLocalGet, local)
	b.op(opI64ExtendI32U)
	if shift != 0 {
		b.i64Const(shift)
		b.op(opI64ShrU)
	}
	if factor != 1 {
		b.i64Const(factor)
		b.op(opI64Mul)
	}
	b.op(opI64Sub)
	b.opIndex(wasmbin.OpGlobalSet, r.fuel)
}

func (r *rewriter) yieldBelowZero(b *buffer) {
	b.opIndex(wasmbin.OpGlobalGet, r.fuel)
	r.yieldIfNegative(b)
}

// yieldIfNegative takes an i64 from the operand stack.
func (r *rewriter) yieldIfNegative(b *buffer) {
	b.i64Const(0)
	b.op(opI64LtS)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.opIndex(wasmbin.OpCall, r.yield)
	b.op(wasmbin.OpEnd)
}

func (r *rewriter) setDirty(b *buffer) {
	b.i32Const(1)
	b.opIndex(wasmbin.OpGlobalSet, r.dirty)
}
