package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// What memory.fill and memory.copy are made to call has their parameters.
const (
	argDest   = 0
	argSource = 1 // the value, for memory.fill
	argLength = 2
)

// fillCode fills in chunks. It checks the bounds first, because the
// instruction writes nothing when it traps.
func (r *rewriter) fillCode() buffer {
	var b buffer
	b.outOfBounds(argDest)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.fillMemory()
	b.op(wasmbin.OpEnd)
	b.whileLong(func() {
		r.charge(&b, chunkBytes>>bytesShift)
		b.opIndex(wasmbin.OpLocalGet, argDest)
		b.opIndex(wasmbin.OpLocalGet, argSource)
		b.i32Const(chunkBytes)
		b.opFill()
		b.advance(argDest, opI32Add)
		b.advance(argLength, opI32Sub)
	})
	r.chargeLocal(&b, argLength, bytesShift, 1)
	b.fillMemory()
	return b
}

// copyCode copies in chunks, from the end when the source would be overwritten
// before it is read.
func (r *rewriter) copyCode() buffer {
	var b buffer
	b.outOfBounds(argDest)
	b.outOfBounds(argSource)
	b.op(opI32Or)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.copyMemory()
	b.op(wasmbin.OpEnd)
	b.opIndex(wasmbin.OpLocalGet, argDest)
	b.opIndex(wasmbin.OpLocalGet, argSource)
	b.op(opI32LeU)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.whileLong(func() { r.copyForward(&b) })
	b.op(wasmbin.OpElse)
	b.whileLong(func() { r.copyBackward(&b) })
	b.op(wasmbin.OpEnd)
	r.chargeLocal(&b, argLength, bytesShift, 1)
	b.copyMemory()
	return b
}

func (r *rewriter) copyForward(b *buffer) {
	r.charge(b, chunkBytes>>bytesShift)
	b.opIndex(wasmbin.OpLocalGet, argDest)
	b.opIndex(wasmbin.OpLocalGet, argSource)
	b.i32Const(chunkBytes)
	b.opCopy()
	b.advance(argDest, opI32Add)
	b.advance(argSource, opI32Add)
	b.advance(argLength, opI32Sub)
}

func (r *rewriter) copyBackward(b *buffer) {
	r.charge(b, chunkBytes>>bytesShift)
	b.advance(argLength, opI32Sub)
	for _, start := range []uint32{argDest, argSource} {
		b.opIndex(wasmbin.OpLocalGet, start)
		b.opIndex(wasmbin.OpLocalGet, argLength)
		b.op(opI32Add)
	}
	b.i32Const(chunkBytes)
	b.opCopy()
}

// growCode charges for the pages that memory grew by.
func (r *rewriter) growCode() buffer {
	const delta, old = 0, 1
	var b buffer
	b.opIndex(wasmbin.OpLocalGet, delta)
	b.op(wasmbin.OpMemoryGrow)
	b.bytes(0)
	b.ifGrown(old)
	r.chargeLocal(&b, delta, 0, pageCost)
	b.op(wasmbin.OpEnd)
	b.opIndex(wasmbin.OpLocalGet, old)
	return b
}

// growTableCode answers -1 to what exceeds the budget of elements.
func (r *rewriter) growTableCode(table uint32) buffer {
	const value, delta, old = 0, 1, 2
	var b buffer
	r.setDirty(&b)
	b.opIndex(wasmbin.OpLocalGet, delta)
	b.opIndex(wasmbin.OpGlobalGet, r.tables)
	b.op(opI32GtU)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.i32Const(-1)
	b.op(wasmbin.OpReturn)
	b.op(wasmbin.OpEnd)
	b.opIndex(wasmbin.OpLocalGet, value)
	b.opIndex(wasmbin.OpLocalGet, delta)
	b.opIndex(wasmbin.OpTableGrow, table)
	b.ifGrown(old)
	b.opIndex(wasmbin.OpGlobalGet, r.tables)
	b.opIndex(wasmbin.OpLocalGet, delta)
	b.op(opI32Sub)
	b.opIndex(wasmbin.OpGlobalSet, r.tables)
	r.chargeLocal(&b, delta, elementsShift, 1)
	b.op(wasmbin.OpEnd)
	b.opIndex(wasmbin.OpLocalGet, old)
	return b
}

// chargeCode charges for a length and returns it. A length beyond its second
// argument traps in the instruction that follows and is not charged in full.
func (r *rewriter) chargeCode(shift int64) buffer {
	const length, limit, charged = 0, 1, 2
	var b buffer
	b.opIndex(wasmbin.OpLocalGet, length)
	b.opIndex(wasmbin.OpLocalGet, limit)
	b.opIndex(wasmbin.OpLocalGet, length)
	b.opIndex(wasmbin.OpLocalGet, limit)
	b.op(opI32LeU)
	b.op(wasmbin.OpSelect)
	b.opIndex(wasmbin.OpLocalSet, charged)
	r.chargeLocal(&b, charged, shift, 1)
	b.opIndex(wasmbin.OpLocalGet, length)
	return b
}

// outOfBounds leaves whether the range of argLength bytes at start ends behind
// the memory.
func (b *buffer) outOfBounds(start uint32) {
	b.opIndex(wasmbin.OpLocalGet, start)
	b.op(opI64ExtendI32U)
	b.opIndex(wasmbin.OpLocalGet, argLength)
	b.op(opI64ExtendI32U)
	b.op(opI64Add)
	b.op(wasmbin.OpMemorySize)
	b.bytes(0)
	b.op(opI64ExtendI32U)
	b.i64Const(16)
	b.op(opI64Shl)
	b.op(opI64GtU)
}

// whileLong repeats its body while argLength exceeds a chunk.
func (b *buffer) whileLong(body func()) {
	b.op(wasmbin.OpLoop)
	b.bytes(blockEmpty)
	b.opIndex(wasmbin.OpLocalGet, argLength)
	b.i32Const(chunkBytes)
	b.op(opI32GtU)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	body()
	b.opIndex(wasmbin.OpBr, 1)
	b.op(wasmbin.OpEnd)
	b.op(wasmbin.OpEnd)
}

// advance adds a chunk to a local or subtracts it.
func (b *buffer) advance(local uint32, op wasmbin.Opcode) {
	b.opIndex(wasmbin.OpLocalGet, local)
	b.i32Const(chunkBytes)
	b.op(op)
	b.opIndex(wasmbin.OpLocalSet, local)
}

// ifGrown stores what a grow instruction answered and opens an if for success.
func (b *buffer) ifGrown(local uint32) {
	b.opIndex(wasmbin.OpLocalTee, local)
	b.i32Const(-1)
	b.op(opI32Ne)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
}

func (b *buffer) arguments() {
	b.opIndex(wasmbin.OpLocalGet, argDest)
	b.opIndex(wasmbin.OpLocalGet, argSource)
	b.opIndex(wasmbin.OpLocalGet, argLength)
}

func (b *buffer) fillMemory() {
	b.arguments()
	b.opFill()
}

func (b *buffer) copyMemory() {
	b.arguments()
	b.opCopy()
}

func (b *buffer) opFill() {
	b.op(wasmbin.OpMemoryFill)
	b.bytes(0)
}

func (b *buffer) opCopy() {
	b.op(wasmbin.OpMemoryCopy)
	b.bytes(0, 0)
}
