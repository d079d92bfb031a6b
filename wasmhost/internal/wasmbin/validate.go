package wasmbin

import "fmt"

// unknown is the type of operands that unreachable code conjures up.
const unknown ValueType = 0

// maxOperands bounds the operand stack: a call of two bytes may push a
// thousand results.
const maxOperands = 1 << 20

// Validate checks the types of all bodies and constant expressions by the
// algorithm of the specification's appendix, and sets MaxStack. A refusal is
// an *Error. It takes time in proportion to the code: modules that move
// values in bulk (types with hundreds of results in every branch) are refused.
func (m *Module) Validate() error {
	if err := m.validateModule(); err != nil {
		return err
	}
	heights := make([]uint32, len(m.Bodies))
	v := validator{m: m, moves: 1 << 20}
	for i := range m.Bodies {
		v.moves += 16 * len(m.Bodies[i].Code)
	}
	for i := range m.Bodies {
		function := uint32(m.ImportedFunctions + i)
		if err := v.body(function, &m.Bodies[i]); err != nil {
			return err
		}
		heights[i] = v.highest
	}
	m.MaxStack = heights
	return nil
}

// validateModule checks everything outside of code.
func (m *Module) validateModule() error {
	if m.Start != nil {
		if t := m.TypeOf(*m.Start); len(t.Params)+len(t.Results) > 0 {
			return &Error{Offset: m.startOffset, Section: "start", Reason: "start function: it must have neither parameters nor results"}
		}
	}
	for i := range m.Globals[m.ImportedGlobals:] {
		g := &m.Globals[m.ImportedGlobals+i]
		if err := m.constant(&g.Init, g.Type, "global"); err != nil {
			return err
		}
	}
	for i := range m.Elements {
		if err := m.validateElement(&m.Elements[i]); err != nil {
			return err
		}
	}
	for i := range m.Data {
		if d := &m.Data[i]; d.Mode == Active {
			if err := m.constant(&d.At, I32, "data"); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Module) validateElement(e *Element) error {
	if e.Mode == Active {
		if t := m.Tables[e.Table].Type; t != e.Type {
			return &Error{Offset: e.Offset, Section: "element", Reason: fmt.Sprintf("type mismatch: elements of type %v for a table of %v", e.Type, t)}
		}
		if err := m.constant(&e.At, I32, "element"); err != nil {
			return err
		}
	}
	for i := range e.Exprs {
		if err := m.constant(&e.Exprs[i], e.Type, "element"); err != nil {
			return err
		}
	}
	return nil
}

// constant checks the type of a constant expression.
func (m *Module) constant(e *ConstExpr, want ValueType, section string) error {
	var got ValueType
	switch e.Op {
	case OpI32Const:
		got = I32
	case OpI64Const:
		got = I64
	case OpF32Const:
		got = F32
	case OpF64Const:
		got = F64
	case OpV128Const:
		got = V128
	case OpRefFunc:
		got = FuncRef
	case OpRefNull:
		got = ValueType(e.Raw[1])
	case OpGlobalGet:
		g := m.Globals[e.Index]
		if g.Mutable {
			return &Error{Offset: e.Offset, Section: section, Reason: fmt.Sprintf("constant expression required: global %d is mutable", e.Index)}
		}
		got = g.Type
	}
	if got != want {
		return &Error{Offset: e.Offset, Section: section, Reason: fmt.Sprintf("type mismatch: %v where %v is expected", got, want)}
	}
	return nil
}
