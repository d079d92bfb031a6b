package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// bodyWriter rewrites the code of one function after another.
type bodyWriter struct {
	*rewriter
	out    buffer
	f      *function
	code   []byte
	copied int   // code before it has been written
	region int32 // the loop that began last
	depth  int   // open blocks
}

// write rewrites one body. The result is valid until the next call.
func (w *bodyWriter) write(index uint32, b *wasmbin.Body) []byte {
	w.f, w.code = &w.functions[index], b.Code
	w.copied, w.region, w.depth = 0, 0, 0
	w.out = w.out[:0]
	w.out.count(len(b.Locals))
	w.out.raw(b.LocalBytes)
	w.enter(index)
	d := wasmbin.NewDecoder(b)
	for d.Next() {
		w.instruction(d)
	}
	w.flush(len(w.code))
	return w.out
}

// enter charges for the function. One that may recurse also charges its frame,
// and its code goes into a block: a branch out of the function then leads to
// the end of that block, where the frame is given back, and depths stay as
// they are.
func (w *bodyWriter) enter(index uint32) {
	if !w.f.recursive {
		if !w.f.folded {
			w.charge(&w.out, max(1, w.f.regions[0].cost))
		}
		return
	}
	b := &w.out
	b.opIndex(wasmbin.OpGlobalGet, w.fuel)
	b.i64Const(max(1, w.f.regions[0].cost))
	b.op(opI64Sub)
	b.opIndex(wasmbin.OpGlobalSet, w.fuel)
	w.addStack(-w.f.frame)
	b.opIndex(wasmbin.OpGlobalGet, w.fuel)
	b.opIndex(wasmbin.OpGlobalGet, w.stack)
	b.op(opI64Or)
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
		w.depth++
	case wasmbin.OpLoop:
		w.loop(d)
	case wasmbin.OpEnd:
		w.end(d)
	case wasmbin.OpReturn:
		if w.f.recursive {
			w.instead(d).opIndex(wasmbin.OpBr, uint32(w.depth))
		}
	case wasmbin.OpCall, wasmbin.OpRefFunc:
		w.function(d)
	case wasmbin.OpReturnCall, wasmbin.OpReturnCallIndirect:
		w.tailCall(d)
	case wasmbin.OpMemoryFill:
		w.instead(d).opIndex(wasmbin.OpCall, w.fill)
	case wasmbin.OpMemoryCopy:
		w.instead(d).opIndex(wasmbin.OpCall, w.copy)
	case wasmbin.OpMemoryGrow:
		w.instead(d).opIndex(wasmbin.OpCall, w.grow)
	case wasmbin.OpMemoryInit:
		w.chargeLength(d, uint32(len(w.m.Data[d.A].Bytes)), w.chargeBytes)
	case wasmbin.OpTableGrow:
		w.instead(d).opIndex(wasmbin.OpCall, w.growTable[d.A])
	case wasmbin.OpTableInit, wasmbin.OpTableCopy, wasmbin.OpTableFill:
		w.setDirty(w.before(d))
		w.chargeLength(d, w.options.MaxTableElements, w.chargeElements)
	case wasmbin.OpTableSet, wasmbin.OpElemDrop, wasmbin.OpDataDrop:
		w.setDirty(w.before(d))
	}
}

func (w *bodyWriter) loop(d *wasmbin.Decoder) {
	w.depth++
	w.region++
	if r := w.f.regions[w.region]; r.again {
		w.flush(d.End)
		w.charge(&w.out, r.cost)
	}
}

// end closes the block around a function that may recurse with its last end.
func (w *bodyWriter) end(d *wasmbin.Decoder) {
	w.depth--
	if w.depth < 0 && w.f.recursive {
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
