package wasmbin

func (p *parser) types(r *reader) {
	n := r.count("types", p.limits.Types)
	p.Types = make([]FuncType, 0, n)
	for range n {
		start := r.pos
		form := r.byte()
		if r.err == nil && form != 0x60 {
			r.failAt(start, "%s", refusedForm(form))
		}
		t := FuncType{Params: r.valueTypes("parameters", p.limits.Params), Results: r.valueTypes("results", p.limits.Results)}
		if r.err != nil {
			return
		}
		p.Types = append(p.Types, t)
	}
}

func refusedForm(form byte) string {
	switch form {
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
		return "uses the garbage collection proposal (a struct, array or recursive type), which is not supported: build for linear memory"
	}
	return "a type that is no function"
}

func (r *reader) valueTypes(what string, limit int) []ValueType {
	n := r.count(what, limit)
	if n == 0 {
		return nil
	}
	types := make([]ValueType, n)
	for i := range types {
		types[i] = r.valueType()
	}
	return types
}

// The flags of limits.
const (
	flagMax    = 1
	flagShared = 2
	flag64     = 4
)

func (r *reader) bounds(what string) Bounds {
	start, flags := r.pos, r.byte()
	switch {
	case r.err != nil:
		return Bounds{}
	case flags > flagMax|flagShared|flag64:
		r.failAt(start, "malformed limits of a %s: flags 0x%02x", what, flags)
	case flags&flag64 != 0:
		r.failAt(start, "uses the memory64 proposal (a 64-bit %s), which is not supported: build for wasm32", what)
	case flags&flagShared != 0:
		r.failAt(start, "uses the threads proposal (a shared %s), which is not supported: build without threads (-pthread, atomics)", what)
	}
	b := Bounds{Min: r.u32(), HasMax: flags&flagMax != 0}
	if b.HasMax {
		b.Max = r.u32()
	}
	if r.err == nil && b.HasMax && b.Max < b.Min {
		r.failAt(start, "size minimum must not be greater than maximum: %s of %d to %d", what, b.Min, b.Max)
	}
	return b
}

func (p *parser) tableType(r *reader) TableType {
	start := r.pos
	if r.left() > 0 && r.data[r.pos] == 0x40 {
		r.fail("uses the typed function references proposal (a table with an initializer), which is not supported")
		return TableType{}
	}
	t := TableType{Type: r.refType(), Bounds: r.bounds("table")}
	p.tableMinimum += uint64(t.Min)
	if r.err == nil && p.tableMinimum > uint64(p.limits.TableElements) {
		r.failAt(start, "tables of %d elements together: at most %d are allowed", p.tableMinimum, p.limits.TableElements)
	}
	return t
}

func (p *parser) memoryType(r *reader) Bounds {
	start := r.pos
	b := r.bounds("memory")
	switch {
	case r.err != nil:
	case b.Min > maxPages || b.HasMax && b.Max > maxPages:
		r.failAt(start, "memory size must be at most 65536 pages (4GiB)")
	case int64(b.Min) > int64(p.limits.MemoryPages):
		r.failAt(start, "a memory of %d pages at least: at most %d are allowed (a page is 64 KiB)", b.Min, p.limits.MemoryPages)
	}
	return b
}

func (p *parser) globalType(r *reader) GlobalType {
	t := GlobalType{Type: r.valueType()}
	start, mutable := r.pos, r.byte()
	if mutable > 1 {
		r.failAt(start, "malformed mutability: 0x%02x", mutable)
	}
	if t.Mutable = mutable == 1; t.Mutable {
		p.mutable++
	}
	if p.mutable > p.limits.MutableGlobals {
		r.failAt(start, "more than %d mutable globals", p.limits.MutableGlobals)
	}
	return t
}
