package wasmbin

import (
	"fmt"
	"sort"
)

// validator type-checks one body after another. The first failure sticks.
type validator struct {
	m        *Module
	function uint32
	d        *Decoder
	err      error

	values  []ValueType
	frames  []frame
	params  []ValueType
	locals  []LocalGroup
	ends    []uint32 // by group: index behind its last local
	height  uint32   // of values, in slots
	highest uint32
	moves   int // values that may yet be pushed and popped by types
}

// frame is an open block.
type frame struct {
	op              Opcode
	params, results []ValueType
	height          int // of values when it was opened
	unreachable     bool
}

func (f *frame) labelTypes() []ValueType {
	if f.op == OpLoop {
		return f.params
	}
	return f.results
}

func (v *validator) body(function uint32, b *Body) error {
	t := v.m.TypeOf(function)
	v.function, v.d = function, NewDecoder(b)
	v.values, v.frames = v.values[:0], v.frames[:0]
	v.height, v.highest = 0, 0
	v.params, v.locals, v.ends = t.Params, b.Locals, v.ends[:0]
	end := uint32(len(t.Params))
	for _, g := range b.Locals {
		end += g.Count
		v.ends = append(v.ends, end)
	}
	v.open(OpBlock, nil, t.Results)
	for v.err == nil && v.d.Next() {
		v.instruction()
	}
	return v.err
}

func (v *validator) fail(format string, args ...any) {
	if v.err != nil {
		return
	}
	reason := fmt.Sprintf(format, args...)
	v.err = &Error{
		Offset: v.d.r.base + int64(v.d.Start), Section: "code",
		Reason: fmt.Sprintf("function %d, %v: %s", v.function, v.d.Op, reason),
	}
}

func slots(t ValueType) uint32 {
	if t == V128 {
		return 2
	}
	return 1
}

func (v *validator) push(t ValueType) {
	v.values = append(v.values, t)
	v.height += slots(t)
	v.highest = max(v.highest, v.height)
}

func (v *validator) pop() ValueType {
	f := &v.frames[len(v.frames)-1]
	last := len(v.values) - 1
	if last < f.height {
		if !f.unreachable {
			v.fail("type mismatch: an operand is missing")
		}
		return unknown
	}
	t := v.values[last]
	v.values = v.values[:last]
	v.height -= slots(t)
	return t
}

func (v *validator) expect(want ValueType) ValueType {
	got := v.pop()
	if got != want && got != unknown && want != unknown {
		v.fail("type mismatch: %v where %v is expected", got, want)
	}
	return got
}

func (v *validator) pushAll(types []ValueType) {
	v.move(len(types))
	for _, t := range types {
		v.push(t)
	}
}

func (v *validator) expectAll(types []ValueType) {
	v.move(len(types))
	for i := len(types) - 1; i >= 0 && v.err == nil; i-- {
		v.expect(types[i])
	}
}

func (v *validator) move(n int) {
	v.moves -= n
	switch {
	case v.moves < 0:
		v.fail("too many values are moved: types with many parameters or results are used all over the module")
	case len(v.values) > maxOperands:
		v.fail("more than %d operands", maxOperands)
	}
}

func (v *validator) open(op Opcode, params, results []ValueType) {
	v.frames = append(v.frames, frame{op: op, params: params, results: results, height: len(v.values)})
	v.pushAll(params)
}

// close ends the innermost block. Its results are left to be pushed.
func (v *validator) close() frame {
	f := v.frames[len(v.frames)-1]
	v.expectAll(f.results)
	if len(v.values) != f.height && v.err == nil {
		v.fail("type mismatch: %d operands are left at the end of a block", len(v.values)-f.height)
	}
	v.frames = v.frames[:len(v.frames)-1]
	return f
}

// unreachable drops the operands of the block: what follows is never reached.
func (v *validator) unreachable() {
	f := &v.frames[len(v.frames)-1]
	for len(v.values) > f.height {
		v.pop()
	}
	f.unreachable = true
}

func (v *validator) label(depth uint64) []ValueType {
	return v.frames[len(v.frames)-1-int(depth)].labelTypes()
}

func (v *validator) local(index uint64) ValueType {
	if index < uint64(len(v.params)) {
		return v.params[index]
	}
	group := sort.Search(len(v.ends), func(i int) bool { return uint64(v.ends[i]) > index })
	return v.locals[group].Type
}

// blockTypes returns the type of a block.
func (v *validator) blockTypes(a uint64) (params, results []ValueType) {
	switch {
	case a < 1<<32:
		t := &v.m.Types[a]
		return t.Params, t.Results
	case a == BlockTypeEmpty:
		return nil, nil
	}
	return nil, singles[a&0x7f]
}

// singles are the lists of one type.
var singles = func() [128][]ValueType {
	var s [128][]ValueType
	for _, t := range []ValueType{I32, I64, F32, F64, V128, FuncRef, ExternRef} {
		s[t] = []ValueType{t}
	}
	return s
}()
