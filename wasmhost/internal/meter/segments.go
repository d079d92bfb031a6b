package meter

import (
	"strconv"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// namesOfData is the subsection that names data segments, of the extended name
// section.
const namesOfData = 9

func (r *rewriter) elementSection() buffer {
	var b buffer
	b.count(len(r.m.Elements))
	for i := range r.m.Elements {
		r.element(&b, &r.m.Elements[i])
	}
	return b
}

// element writes an element segment. Its flags are: bit 0 not active, bit 1
// an explicit table or declarative, bit 2 expressions.
func (r *rewriter) element(b *buffer, e *wasmbin.Element) {
	flags := byte(0)
	switch {
	case e.Mode == wasmbin.Passive:
		flags = 1
	case e.Mode == wasmbin.Declarative:
		flags = 3
	case e.Table != 0 || e.Type != wasmbin.FuncRef:
		flags = 2
	}
	if e.UsesExprs {
		flags |= 4
	}
	b.bytes(flags)
	if e.Mode == wasmbin.Active {
		if flags&2 != 0 {
			b.u32(e.Table)
		}
		r.constExpr(b, e.At)
	}
	if !e.UsesExprs {
		if flags != 0 {
			b.bytes(0) // the kind: functions
		}
		b.count(len(e.Functions))
		for _, f := range e.Functions {
			b.u32(r.shift(f))
		}
		return
	}
	if flags&3 != 0 {
		b.bytes(byte(e.Type))
	}
	b.count(len(e.Exprs))
	for _, x := range e.Exprs {
		r.constExpr(b, x)
	}
}

func (r *rewriter) dataSection(data []wasmbin.Data) buffer {
	b := make(buffer, 0, dataBytes(data))
	b.count(len(data))
	for _, d := range data {
		if d.Mode == wasmbin.Passive {
			b.bytes(1)
		} else {
			b.bytes(0)
			r.constExpr(&b, d.At)
		}
		b.sized(d.Bytes)
	}
	return b
}

// nameSection writes the guest's names under the new indices, and names what
// was added. Other custom sections are dropped: what they say of code
// (DWARF) is no longer so. So are names of data segments that were merged.
func (r *rewriter) nameSection(merged bool) buffer {
	names := r.m.Names()
	if names == nil {
		names = &wasmbin.Names{}
	}
	var b buffer
	b.name("name")
	if names.Module != "" {
		var s buffer
		s.name(names.Module)
		b.section(wasmbin.NamesOfModule, s)
	}
	b.section(wasmbin.NamesOfFunctions, r.functionNames(names))
	if len(names.Locals) > 0 {
		b.section(wasmbin.NamesOfLocals, r.localNames(names))
	}
	for _, rest := range names.Rest {
		if rest.ID != namesOfData || !merged {
			b.section(rest.ID, rest.Bytes)
		}
	}
	return b
}

// functionNames names every function. One without a name gets that of its
// index in the guest's module, as the engine would show it there.
func (r *rewriter) functionNames(names *wasmbin.Names) buffer {
	var b buffer
	b.count(len(r.m.Functions) + 1 + len(r.added))
	next := names.Functions
	for i := range r.m.Functions {
		if uint32(i) == r.yield {
			b.functionName(r.yield, Prefix+YieldName)
		}
		name := ""
		if len(next) > 0 && next[0].Index == uint32(i) {
			name, next = next[0].Name, next[1:]
		}
		if name == "" {
			name = "$" + strconv.Itoa(i)
		}
		b.functionName(r.shift(uint32(i)), name)
	}
	if len(r.m.Bodies) == 0 {
		b.functionName(r.yield, Prefix+YieldName)
	}
	for i, f := range r.added {
		b.functionName(uint32(len(r.m.Functions)+1+i), f.name)
	}
	return b
}

func (b *buffer) functionName(index uint32, name string) {
	b.u32(index)
	b.name(name)
}

func (r *rewriter) localNames(names *wasmbin.Names) buffer {
	var b buffer
	b.count(len(names.Locals))
	for _, l := range names.Locals {
		b.u32(r.shift(l.Function))
		b.raw(l.Encoded)
	}
	return b
}
