package wasmbin

import "slices"

// letters are the types in the table of opcodes.
var letters = [128]ValueType{'i': I32, 'l': I64, 'f': F32, 'd': F64, 'v': V128}

func (v *validator) instruction() {
	d := v.d
	switch d.Op {
	case OpNop:
	case OpUnreachable:
		v.unreachable()
	case OpBlock, OpLoop, OpIf, OpElse, OpEnd:
		v.block()
	case OpBr, OpBrIf, OpBrTable, OpReturn:
		v.branch()
	case OpCall, OpReturnCall, OpCallIndirect, OpReturnCallIndirect:
		v.call()
	case OpDrop:
		v.pop()
	case OpSelect, OpSelectTyped:
		v.selectOne()
	case OpLocalGet:
		v.push(v.local(d.A))
	case OpLocalSet:
		v.expect(v.local(d.A))
	case OpLocalTee:
		t := v.local(d.A)
		v.expect(t)
		v.push(t)
	case OpGlobalGet:
		v.push(v.m.Globals[d.A].Type)
	case OpGlobalSet:
		v.globalSet()
	case OpTableGet, OpTableSet, OpTableGrow, OpTableFill, OpTableCopy, OpTableInit:
		v.table()
	case OpRefNull:
		v.push(ValueType(d.A))
	case OpRefIsNull:
		if t := v.pop(); !t.IsRef() && t != unknown {
			v.fail("type mismatch: %v where a reference is expected", t)
		}
		v.push(I32)
	case OpRefFunc:
		if v.m.declared == nil || !v.m.declared[d.A] {
			v.fail("undeclared function reference: function %d must be exported or be in an element segment", d.A)
		}
		v.push(FuncRef)
	default:
		v.plain(d.Op.info())
	}
}

// plain checks an instruction whose types the table of opcodes holds.
func (v *validator) plain(info *opInfo) {
	for i := len(info.in) - 1; i >= 0; i-- {
		v.expect(letters[info.in[i]])
	}
	if info.out != "" {
		v.push(letters[info.out[0]])
	}
}

func (v *validator) block() {
	d := v.d
	switch d.Op {
	case OpElse:
		f := v.close()
		if v.err == nil {
			v.open(OpElse, f.params, f.results)
		}
	case OpEnd:
		f := v.close()
		if f.op == OpIf && !slices.Equal(f.params, f.results) {
			v.fail("type mismatch: an if without else whose results are not its parameters")
		}
		if len(v.frames) > 0 && v.err == nil {
			v.pushAll(f.results)
		}
	default:
		if d.Op == OpIf {
			v.expect(I32)
		}
		params, results := v.blockTypes(d.A)
		v.expectAll(params)
		v.open(d.Op, params, results)
	}
}

func (v *validator) branch() {
	d := v.d
	switch d.Op {
	case OpBr:
		v.expectAll(v.label(d.A))
	case OpReturn:
		v.expectAll(v.frames[0].results)
	case OpBrIf:
		v.expect(I32)
		types := v.label(d.A)
		v.expectAll(types)
		v.pushAll(types)
		return
	case OpBrTable:
		v.branchTable()
	}
	v.unreachable()
}

// branchTable checks all targets of a br_table against the operands.
func (v *validator) branchTable() {
	v.expect(I32)
	arity, popped := -1, []ValueType(nil)
	for depth := range v.d.Targets {
		types := v.label(uint64(depth))
		if arity >= 0 && len(types) != arity {
			v.fail("type mismatch: targets take %d and %d values", arity, len(types))
		}
		arity = len(types)
		popped = popped[:0]
		v.move(2 * arity)
		for i := arity - 1; i >= 0 && v.err == nil; i-- {
			popped = append(popped, v.expect(types[i]))
		}
		if v.err != nil {
			return
		}
		for i := range popped {
			v.push(popped[arity-1-i])
		}
	}
}

func (v *validator) call() {
	d := v.d
	var t *FuncType
	if d.Op == OpCall || d.Op == OpReturnCall {
		t = &v.m.Types[v.m.Functions[d.A]]
	} else {
		t = &v.m.Types[d.A]
		if table := v.m.Tables[d.B].Type; table != FuncRef {
			v.fail("type mismatch: a call through a table of %v", table)
		}
		v.expect(I32)
	}
	v.expectAll(t.Params)
	if d.Op == OpCall || d.Op == OpCallIndirect {
		v.pushAll(t.Results)
		return
	}
	if !slices.Equal(t.Results, v.frames[0].results) {
		v.fail("type mismatch: a tail call to a function with other results")
	}
	v.unreachable()
}

func (v *validator) selectOne() {
	d := v.d
	v.expect(I32)
	if d.Op == OpSelectTyped {
		if d.A != 1 {
			v.fail("invalid result arity: %d types, one is expected", d.A)
			return
		}
		v.expect(ValueType(d.B))
		v.expect(ValueType(d.B))
		v.push(ValueType(d.B))
		return
	}
	a, b := v.pop(), v.pop()
	if a.IsRef() || b.IsRef() {
		v.fail("type mismatch: references need a select with a type")
	}
	if a != b && a != unknown && b != unknown {
		v.fail("type mismatch: one of %v and one of %v", b, a)
	}
	if a == unknown {
		a = b
	}
	v.push(a)
}

func (v *validator) globalSet() {
	g := &v.m.Globals[v.d.A]
	if !g.Mutable {
		v.fail("global is immutable: %d", v.d.A)
	}
	v.expect(g.Type)
}

func (v *validator) table() {
	d := v.d
	switch d.Op {
	case OpTableGet:
		v.expect(I32)
		v.push(v.m.Tables[d.A].Type)
	case OpTableSet:
		v.expect(v.m.Tables[d.A].Type)
		v.expect(I32)
	case OpTableGrow:
		v.expect(I32)
		v.expect(v.m.Tables[d.A].Type)
		v.push(I32)
	case OpTableFill:
		v.expect(I32)
		v.expect(v.m.Tables[d.A].Type)
		v.expect(I32)
	case OpTableCopy:
		v.sameType(v.m.Tables[d.A].Type, v.m.Tables[d.B].Type)
	case OpTableInit:
		v.sameType(v.m.Tables[d.B].Type, v.m.Elements[d.A].Type)
	}
}

// sameType checks table.copy and table.init.
func (v *validator) sameType(table, from ValueType) {
	if table != from {
		v.fail("type mismatch: %v into a table of %v", from, table)
	}
	for range 3 {
		v.expect(I32)
	}
}
