package meter

import (
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// module writes the rewritten module. Its code comes first, as that may add
// types.
func (r *rewriter) module(code buffer) []byte {
	data := mergeData(r.m, r.uses)
	out := make(buffer, 0, len(code)+dataBytes(data)+len(code)/16+4<<10)
	out.raw([]byte("\x00asm\x01\x00\x00\x00"))
	out.section(1, r.typeSection())
	out.section(2, r.importSection())
	out.section(3, r.functionSection())
	out.optional(4, len(r.m.Tables)-r.m.ImportedTables, r.tableSection)
	out.optional(5, len(r.m.Memories)-r.m.ImportedMemories, r.memorySection)
	out.section(6, r.globalSection())
	out.section(7, r.exportSection())
	if r.m.Start != nil {
		var b buffer
		b.u32(r.shift(*r.m.Start))
		out.section(8, b)
	}
	out.optional(9, len(r.m.Elements), r.elementSection)
	if r.m.DataCount != nil {
		var b buffer
		b.count(len(data))
		out.section(12, b)
	}
	out.section(10, code)
	out.optional(11, len(data), func() buffer { return r.dataSection(data) })
	out.section(0, r.nameSection(len(data) != len(r.m.Data)))
	return out
}

// dataBytes is about what segments take as a section.
func dataBytes(data []wasmbin.Data) int {
	n := 16 * len(data)
	for i := range data {
		n += len(data[i].Bytes)
	}
	return n
}

func (b *buffer) optional(id byte, items int, write func() buffer) {
	if items > 0 {
		b.section(id, write())
	}
}

// The code of compilers grows by a tenth. What grows by more than maxGrowth and
// maxExtra was written to.
const (
	maxGrowth = 4
	maxExtra  = 1 << 20
)

func (r *rewriter) code() (buffer, error) {
	size := 0
	for i := range r.m.Bodies {
		size += len(r.m.Bodies[i].Code)
	}
	b := make(buffer, 0, size+size/2+4<<10) // what most modules stay below
	b.count(len(r.m.Bodies) + len(r.added))
	w := bodyWriter{rewriter: r}
	limit := maxExtra
	for i := range r.m.Bodies {
		body := &r.m.Bodies[i]
		b.sized(w.write(uint32(r.m.ImportedFunctions+i), body))
		if limit += maxGrowth * len(body.Code); len(b) > limit {
			return nil, &wasmbin.Error{Offset: body.Offset, Section: "code", Reason: fmt.Sprintf("metering would make it more than %d times as large: it has more loops and calls than instructions to pay for", maxGrowth)}
		}
	}
	for _, f := range r.added {
		body := buffer{1, 1, byte(i32)} // one group of one local
		body.raw(f.code)
		body.op(wasmbin.OpEnd)
		b.sized(body)
	}
	return b, nil
}

func (r *rewriter) typeSection() buffer {
	r.resultType(nil) // the type of yield
	var b buffer
	b.count(len(r.types))
	for _, t := range r.types {
		b.bytes(0x60)
		b.valueTypes(t.Params)
		b.valueTypes(t.Results)
	}
	return b
}

func (r *rewriter) importSection() buffer {
	var b buffer
	b.count(len(r.m.Imports) + 1)
	for _, i := range r.m.Imports {
		b.name(i.Module)
		b.name(i.Name)
		b.bytes(byte(i.Kind))
		switch i.Kind {
		case wasmbin.KindFunc:
			b.u32(i.Type)
		case wasmbin.KindTable:
			r.tableType(&b, i.Table)
		case wasmbin.KindMemory:
			b.bounds(i.Memory)
		case wasmbin.KindGlobal:
			b.globalType(i.Global)
		}
	}
	b.name(YieldModule)
	b.name(YieldName)
	b.bytes(byte(wasmbin.KindFunc))
	b.u32(r.resultType(nil))
	return b
}

func (r *rewriter) functionSection() buffer {
	var b buffer
	defined := r.m.Functions[r.m.ImportedFunctions:]
	b.count(len(defined) + len(r.added))
	for _, t := range defined {
		b.u32(t)
	}
	for _, f := range r.added {
		b.u32(f.typ)
	}
	return b
}

func (r *rewriter) tableSection() buffer {
	var b buffer
	defined := r.m.Tables[r.m.ImportedTables:]
	b.count(len(defined))
	for _, t := range defined {
		r.tableType(&b, t)
	}
	return b
}

// tableType writes the type of a table, whose maximum is lowered to what the
// budget allows. Growth of one without a maximum is held by the budget alone.
func (r *rewriter) tableType(b *buffer, t wasmbin.TableType) {
	b.bytes(byte(t.Type))
	if t.HasMax {
		t.Max = max(t.Min, min(t.Max, r.options.MaxTableElements))
	}
	b.bounds(t.Bounds)
}

func (b *buffer) bounds(v wasmbin.Bounds) {
	if !v.HasMax {
		b.bytes(0)
		b.u32(v.Min)
		return
	}
	b.bytes(1)
	b.u32(v.Min)
	b.u32(v.Max)
}

func (r *rewriter) memorySection() buffer {
	var b buffer
	defined := r.m.Memories[r.m.ImportedMemories:]
	b.count(len(defined))
	for _, m := range defined {
		b.bounds(m)
	}
	return b
}

func (b *buffer) globalType(t wasmbin.GlobalType) {
	mutable := byte(0)
	if t.Mutable {
		mutable = 1
	}
	b.bytes(byte(t.Type), mutable)
}

func (r *rewriter) globalSection() buffer {
	var b buffer
	defined := r.m.Globals[r.m.ImportedGlobals:]
	b.count(len(defined) + 4)
	for _, g := range defined {
		b.globalType(g.GlobalType)
		r.constExpr(&b, g.Init)
	}
	b.i64Global(0) // fuel
	b.i64Global(r.options.InitialStack)
	b.i32Global(0) // dirty
	b.i32Global(int32(r.tableBudget()))
	return b
}

// tableBudget is by how many elements the module's tables may grow.
func (r *rewriter) tableBudget() uint32 {
	budget := r.options.MaxTableElements
	for _, t := range r.m.Tables {
		budget -= min(budget, t.Min)
	}
	return budget
}

func (b *buffer) i64Global(v int64) {
	b.bytes(byte(wasmbin.I64), 1)
	b.i64Const(v)
	b.op(wasmbin.OpEnd)
}

func (b *buffer) i32Global(v int32) {
	b.bytes(byte(wasmbin.I32), 1)
	b.i32Const(v)
	b.op(wasmbin.OpEnd)
}

func (r *rewriter) constExpr(b *buffer, e wasmbin.ConstExpr) {
	if e.Op == wasmbin.OpRefFunc {
		b.opIndex(wasmbin.OpRefFunc, r.shift(e.Index))
	} else {
		b.raw(e.Raw)
	}
	b.op(wasmbin.OpEnd)
}

func (r *rewriter) exportSection() buffer {
	var b buffer
	b.count(len(r.m.Exports) + 4 + len(r.globals))
	for _, e := range r.m.Exports {
		if e.Kind == wasmbin.KindFunc {
			e.Index = r.shift(e.Index)
		}
		b.export(e.Name, e.Kind, e.Index)
	}
	b.export(FuelExport, wasmbin.KindGlobal, r.fuel)
	b.export(StackExport, wasmbin.KindGlobal, r.stack)
	b.export(DirtyExport, wasmbin.KindGlobal, r.dirty)
	b.export(TablesExport, wasmbin.KindGlobal, r.tables)
	for _, g := range r.globals {
		b.export(g.Export, wasmbin.KindGlobal, g.Index)
	}
	return b
}

func (b *buffer) export(name string, kind wasmbin.Kind, index uint32) {
	b.name(name)
	b.bytes(byte(kind))
	b.u32(index)
}
