package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// bodyWriter rewrites the code of one function after another.
type bodyWriter struct {
	*rewriter
	out    buffer
	f      *function
	code   []byte
	copied int    // code before it has been written
	region int32  // the loop or landing that began last
	labels []int  // open blocks: how many loops up to each were wrapped
	local  uint32 // mirrors fuel within loops
	length uint32 // local for the length of a range
}

// write rewrites one body. The result is valid until the next call.
func (w *bodyWriter) write(index uint32, b *wasmbin.Body) []byte {
	w.f, w.code = &w.functions[index], b.Code
	w.copied, w.region = 0, 0
	w.labels = append(w.labels[:0], 0)
	w.out = w.out[:0]
	w.locals(index, b)
	w.enter(index)
	d := wasmbin.NewDecoder(b)
	for d.Next() {
		w.instruction(d)
	}
	w.flush(len(w.code))
	return w.out
}

// locals writes the locals and those that added code needs.
func (w *bodyWriter) locals(index uint32, b *wasmbin.Body) {
	w.local = uint32(len(w.m.TypeOf(index).Params)) + b.LocalCount
	w.length = w.local
	var more buffer
	groups := len(b.Locals)
	if w.f.loops() {
		more.bytes(1, byte(wasmbin.I64))
		groups++
		w.length++
	}
	if w.f.ranges {
		more.bytes(1, byte(wasmbin.I32))
		groups++
	}
	w.out.count(groups)
	w.out.raw(b.LocalBytes)
	w.out.raw(more)
}

// enter charges for the function. One that may recurse also charges its frame,
// and its code goes into a block: a branch out of the function then leads to
// the end of that block, where the frame is given back, and depths stay as
// they are.
func (w *bodyWriter) enter(index uint32) {
	b := &w.out
	pays := !w.f.folded && !w.f.loopPays()
	if !w.f.recursive {
		if pays {
			w.charge(b, w.f.entryCost())
		}
		return
	}
	if pays {
		w.take(b, w.f.entryCost())
	}
	w.addStack(-w.f.frame)
	b.opIndex(wasmbin.OpGlobalGet, w.stack)
	if pays {
		b.opIndex(wasmbin.OpGlobalGet, w.fuel)
		b.op(opI64Or)
	}
	w.yieldIfNegative(b)
	b.op(wasmbin.OpBlock)
	w.blockType(w.m.TypeOf(index).Results)
}

func (w *bodyWriter) addStack(bytes int64) {
	w.out.opIndex(wasmbin.OpGlobalGet, w.stack)
	w.out.i64Const(bytes)
	w.out.op(opI64Add)
	w.out.opIndex(wasmbin.OpGlobalSet, w.stack)
}

func (w *bodyWriter) blockType(results []wasmbin.ValueType) {
	switch len(results) {
	case 0:
		w.out.bytes(blockEmpty)
	case 1:
		w.out.bytes(byte(results[0]))
	default:
		w.out.s64(int64(w.resultType(results)))
	}
}

func (w *bodyWriter) flush(upTo int) {
	w.out.raw(w.code[w.copied:upTo])
	w.copied = upTo
}

// before writes what comes before d, which is then left to be copied.
func (w *bodyWriter) before(d *wasmbin.Decoder) *buffer {
	w.flush(d.Start)
	return &w.out
}

// instead drops d for what is written next.
func (w *bodyWriter) instead(d *wasmbin.Decoder) *buffer {
	w.flush(d.Start)
	w.copied = d.End
	return &w.out
}

func (w *bodyWriter) instruction(d *wasmbin.Decoder) {
	switch d.Op {
	case wasmbin.OpBlock, wasmbin.OpIf:
		w.labels = append(w.labels, w.wrapped())
	case wasmbin.OpLoop:
		w.loop(d)
	case wasmbin.OpEnd:
		w.end(d)
	case wasmbin.OpBr, wasmbin.OpBrIf:
		if depth := w.depth(uint32(d.A)); uint64(depth) != d.A {
			w.instead(d).opIndex(d.Op, depth)
		}
	case wasmbin.OpBrTable:
		w.branchTable(d)
	case wasmbin.OpReturn:
		if w.f.recursive {
			w.instead(d).opIndex(wasmbin.OpBr, w.depth(uint32(len(w.labels)-1)))
		}
	case wasmbin.OpCall:
		w.function(d)
		w.reload(d)
	case wasmbin.OpCallIndirect:
		w.reload(d)
	case wasmbin.OpRefFunc:
		w.function(d)
	case wasmbin.OpReturnCall, wasmbin.OpReturnCallIndirect:
		w.tailCall(d)
	case wasmbin.OpTableSet, wasmbin.OpElemDrop, wasmbin.OpDataDrop:
		w.setDirty(w.before(d))
	default:
		w.bulk(d)
	}
}

// bulk replaces instructions that work on ranges, or charges for the length.
func (w *bodyWriter) bulk(d *wasmbin.Decoder) {
	switch d.Op {
	case wasmbin.OpMemoryFill:
		w.memoryRange(d, w.fill)
	case wasmbin.OpMemoryCopy:
		w.memoryRange(d, w.copy)
	case wasmbin.OpMemoryGrow:
		w.instead(d).opIndex(wasmbin.OpCall, w.grow)
	case wasmbin.OpTableGrow:
		w.instead(d).opIndex(wasmbin.OpCall, w.growTable[d.A])
	case wasmbin.OpMemoryInit:
		w.chargeLength(d, uint32(len(w.m.Data[d.A].Bytes)), w.chargeBytes)
	case wasmbin.OpTableInit, wasmbin.OpTableCopy, wasmbin.OpTableFill:
		w.setDirty(w.before(d))
		w.chargeLength(d, w.options.MaxTableElements, w.chargeElements)
	default:
		return
	}
	w.reload(d)
}

// memoryRange leaves memory.fill or memory.copy of a short range where it is,
// charged for but without a look at the fuel, and calls by for a long one.
func (w *bodyWriter) memoryRange(d *wasmbin.Decoder, by uint32) {
	b := w.before(d)
	b.opIndex(wasmbin.OpLocalTee, w.length)
	b.opIndex(wasmbin.OpLocalGet, w.length)
	b.i32Const(shortBytes)
	b.op(opI32GtU)
	b.op(wasmbin.OpIf)
	b.s64(int64(w.rangeType))
	b.opIndex(wasmbin.OpCall, by)
	b.op(wasmbin.OpElse)
	w.takeLocal(b, w.length, bytesShift, 1)
	w.flush(d.End)
	b.op(wasmbin.OpEnd)
}

// wrapped is how many loops around the current instruction were wrapped.
func (w *bodyWriter) wrapped() int { return w.labels[len(w.labels)-1] }

// depth returns the depth that a label has in the new code.
func (w *bodyWriter) depth(depth uint32) uint32 {
	return depth + uint32(w.wrapped()-w.labels[len(w.labels)-1-int(depth)])
}

func (w *bodyWriter) branchTable(d *wasmbin.Decoder) {
	if w.wrapped() == 0 {
		return
	}
	b := w.instead(d)
	b.op(wasmbin.OpBrTable)
	b.u32(uint32(d.A))
	for depth := range d.Targets {
		b.u32(w.depth(depth))
	}
}

// reload takes over the fuel after a call within a loop.
func (w *bodyWriter) reload(d *wasmbin.Decoder) {
	if w.wrapped() > 0 {
		w.flush(d.End)
		w.mirror()
	}
}

func (w *bodyWriter) mirror() {
	w.out.opIndex(wasmbin.OpGlobalGet, w.fuel)
	w.out.opIndex(wasmbin.OpLocalSet, w.local)
}

// loop begins a loop. One that is branched back to is charged for each time
// around, and wrapped into another loop where yield is called:
//
//	loop
//	  if fuel < 0 { yield }
//	  loop
//	    if fuel < 0 { continue outer loop }
//	    fuel -= cost
//
// With the call out of the inner loop, the engine can keep in registers what
// that loop works on. For the same reason fuel is mirrored in a local: it is
// stored each time around but loaded only after calls.
func (w *bodyWriter) loop(d *wasmbin.Decoder) {
	w.region++
	r := w.f.regions[w.region]
	if !r.charged {
		w.labels = append(w.labels, w.wrapped())
		return
	}
	b := w.before(d)
	pays := w.region == 1 && w.f.loopPays()
	switch {
	case pays:
		b.opIndex(wasmbin.OpGlobalGet, w.fuel)
		b.i64Const(w.f.entryCost())
		b.op(opI64Sub)
		b.opIndex(wasmbin.OpLocalSet, w.local)
	case w.wrapped() == 0:
		w.mirror()
	}
	w.labels = append(w.labels, w.wrapped()+1)
	b.raw(w.code[d.Start:d.End])
	b.opIndex(wasmbin.OpLocalGet, w.local)
	b.i64Const(0)
	b.op(opI64LtS)
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	if pays { // the mirror is ahead of what it mirrors
		b.opIndex(wasmbin.OpLocalGet, w.local)
		b.opIndex(wasmbin.OpGlobalSet, w.fuel)
	}
	b.opIndex(wasmbin.OpCall, w.yield)
	w.mirror()
	b.op(wasmbin.OpEnd)
	w.flush(d.End)
	b.opIndex(wasmbin.OpLocalGet, w.local)
	b.i64Const(0)
	b.op(opI64LtS)
	w.again(d)
	if !r.dispatches {
		w.chargeMirrored(r.cost)
	}
}

// chargeMirrored takes a fixed cost off the fuel within a wrapped loop.
func (w *bodyWriter) chargeMirrored(cost int64) {
	b := &w.out
	b.opIndex(wasmbin.OpLocalGet, w.local)
	b.i64Const(cost)
	b.op(opI64Sub)
	b.opIndex(wasmbin.OpLocalTee, w.local)
	b.opIndex(wasmbin.OpGlobalSet, w.fuel)
}

// land charges for what follows if the end of a block is a landing.
func (w *bodyWriter) land(d *wasmbin.Decoder) {
	next := w.region + 1
	if int(next) == len(w.f.regions) || int(w.f.regions[next].at) != d.Start {
		return
	}
	w.region = next
	switch r := w.f.regions[next]; {
	case !r.charged || r.cost == 0:
	case w.wrapped() > 0:
		w.flush(d.End)
		w.chargeMirrored(r.cost)
	default:
		w.flush(d.End)
		w.take(&w.out, r.cost)
	}
}

// again goes back to the outer loop if the operand is not zero. The engine
// makes better code of an if, into which a loop's parameters can't be taken.
func (w *bodyWriter) again(d *wasmbin.Decoder) {
	b := &w.out
	if parameters, _ := w.m.BlockArity(d.A); parameters > 0 {
		b.opIndex(wasmbin.OpBrIf, 1)
		return
	}
	b.op(wasmbin.OpIf)
	b.bytes(blockEmpty)
	b.opIndex(wasmbin.OpBr, 2)
	b.op(wasmbin.OpEnd)
}

// end closes a block: with a wrapped loop the loop around it, and with a
// function that may recurse the block around its code.
func (w *bodyWriter) end(d *wasmbin.Decoder) {
	was := w.wrapped()
	w.labels = w.labels[:len(w.labels)-1]
	if len(w.labels) > 0 {
		if w.wrapped() != was {
			w.flush(d.End)
			w.out.op(wasmbin.OpEnd)
		}
		w.land(d)
		return
	}
	if w.f.recursive {
		w.flush(d.End)
		w.addStack(w.f.frame)
		w.out.op(wasmbin.OpEnd)
	}
}

// function shifts the index in a call or ref.func.
func (w *bodyWriter) function(d *wasmbin.Decoder) {
	if f := uint32(d.A); w.shift(f) != f {
		w.instead(d).opIndex(d.Op, w.shift(f))
	}
}

// tailCall gives the frame back before the call, which does not return here.
func (w *bodyWriter) tailCall(d *wasmbin.Decoder) {
	if w.f.recursive {
		w.before(d)
		w.addStack(w.f.frame)
	}
	if d.Op == wasmbin.OpReturnCall {
		w.function(d)
	}
}

// chargeLength charges for the length on top of the operand stack.
func (w *bodyWriter) chargeLength(d *wasmbin.Decoder, limit, by uint32) {
	b := w.before(d)
	b.i32Const(int32(limit))
	b.opIndex(wasmbin.OpCall, by)
}
