package wasmbin

// constExpr reads a constant expression, which is one instruction: the
// features accepted have no other.
func (p *parser) constExpr(r *reader) ConstExpr {
	d := Decoder{r: *r, maxTargets: 0}
	e := ConstExpr{Offset: r.offset()}
	if !d.Next() {
		d.r.fail("truncated: a constant expression ends early")
	}
	if d.r.err == nil {
		p.constant(&d, &e)
	}
	end := d.r.pos
	if d.r.err == nil {
		e.Raw = d.r.data[d.Start:d.End:d.End]
		if !d.Next() {
			d.r.fail("truncated: a constant expression without its end")
		} else if d.Op != OpEnd {
			d.r.failAt(end, "constant expression required: one instruction, which is followed by %v (the extended-const proposal is not supported)", d.Op)
		}
	}
	r.pos, r.err = d.r.pos, d.r.err
	return e
}

func (p *parser) constant(d *Decoder, e *ConstExpr) {
	e.Op = d.Op
	switch d.Op {
	case OpI32Const, OpI64Const, OpF32Const, OpF64Const, OpV128Const, OpRefNull:
	case OpGlobalGet:
		e.Index = uint32(d.A)
		if int64(e.Index) >= int64(p.ImportedGlobals) {
			d.r.failAt(d.Imm, "unknown global %d: a constant expression may use the %d imported ones", e.Index, p.ImportedGlobals)
		}
	case OpRefFunc:
		e.Index = uint32(d.A)
		if int64(e.Index) >= int64(len(p.Functions)) {
			d.r.failAt(d.Imm, "unknown function %d: there are %d", e.Index, len(p.Functions))
			return
		}
		p.declare(e.Index, &d.r)
	default:
		d.r.failAt(d.Start, "constant expression required, not %v", d.Op)
	}
}

// The bits of an element segment's flags.
const (
	elementNotActive = 1
	elementExplicit  = 2 // a table index, or declarative
	elementExprs     = 4
)

func (p *parser) elements(r *reader) {
	for range r.count("element segments", p.limits.Elements) {
		e := p.element(r)
		if r.err != nil {
			return
		}
		p.Elements = append(p.Elements, e)
	}
}

func (p *parser) element(r *reader) Element {
	e := Element{Type: FuncRef, Offset: r.offset()}
	start, flags := r.pos, r.u32()
	if flags > elementNotActive|elementExplicit|elementExprs {
		r.failAt(start, "malformed elements segment kind %d", flags)
		return e
	}
	e.UsesExprs = flags&elementExprs != 0
	switch {
	case flags&elementNotActive == 0:
		p.elementPlace(r, flags, &e)
	case flags&elementExplicit != 0:
		e.Mode = Declarative
	default:
		e.Mode = Passive
	}
	if flags&(elementNotActive|elementExplicit) != 0 {
		p.elementType(r, &e)
	}
	p.elementItems(r, &e)
	return e
}

func (p *parser) elementPlace(r *reader, flags uint32, e *Element) {
	if flags&elementExplicit != 0 {
		e.Table = index(r, "table", len(p.Tables))
	} else if len(p.Tables) == 0 {
		r.fail("unknown table 0: there are none")
	}
	e.At = p.constExpr(r)
}

func (p *parser) elementType(r *reader, e *Element) {
	if e.UsesExprs {
		e.Type = r.refType()
		return
	}
	if kind := r.byte(); r.err == nil && kind != 0 {
		r.failAt(r.pos-1, "malformed element kind %d", kind)
	}
}

func (p *parser) elementItems(r *reader, e *Element) {
	n := r.count("elements", p.limits.SegmentItems-p.segmentItems)
	p.segmentItems += n
	if e.UsesExprs {
		for range n {
			if r.err != nil {
				return
			}
			e.Exprs = append(e.Exprs, p.constExpr(r))
		}
		return
	}
	e.Functions = make([]uint32, n)
	for i := range e.Functions {
		if r.err != nil {
			return
		}
		e.Functions[i] = index(r, "function", len(p.Functions))
		p.declare(e.Functions[i], r)
	}
}

func (p *parser) dataCount(r *reader) {
	start, n := r.pos, r.u32()
	if r.err == nil && int64(n) > int64(p.limits.DataSegments) {
		r.failAt(start, "%d data segments: at most %d are allowed", n, p.limits.DataSegments)
	}
	p.DataCount = &n
}

// smallestData is the bytes of the smallest data segment: its flags and its length.
const smallestData = 2

func (p *parser) data(r *reader) {
	n := r.count("data segments", p.limits.DataSegments)
	p.Data = make([]Data, 0, min(n, r.left()/smallestData)) // Go's linker makes tens of thousands
	for range n {
		d := Data{Offset: r.offset()}
		start, flags := r.pos, r.u32()
		switch {
		case r.err != nil:
		case flags == 1:
			d.Mode = Passive
		case flags > 2:
			r.failAt(start, "malformed data segment kind %d", flags)
		default:
			if flags == 2 {
				d.Memory = index(r, "memory", len(p.Memories))
			} else if len(p.Memories) == 0 {
				r.fail("unknown memory 0: there is none")
			}
			d.At = p.constExpr(r)
		}
		d.Bytes = r.take(r.count("bytes of a data segment", r.left()))
		if r.err != nil {
			return
		}
		p.Data = append(p.Data, d)
	}
}
