package asm

import (
	"slices"
)

// Module is a module in the making. The zero value is an empty one. Functions
// are numbered in the order in which they come, imports before all others.
type Module struct {
	types    [][]byte
	imports  [][]byte
	funcs    [][]byte // type indices
	bodies   [][]byte
	tables   [][]byte
	memories [][]byte
	globals  [][]byte
	exports  [][]byte
	start    []byte
	elements [][]byte
	data     [][]byte
	passive  bool // some data is passive, which wants a data count
	customs  [][]byte
	imported int
}

// Type is the index of a function type, added if it is new.
func (m *Module) Type(params, results string) int {
	t := FuncType(params, results)
	for i, known := range m.types {
		if slices.Equal(known, t) {
			return i
		}
	}
	return m.AddType(params, results)
}

// AddType adds a function type without looking whether there is one like it,
// and is its index.
func (m *Module) AddType(params, results string) int {
	m.types = append(m.types, FuncType(params, results))
	return len(m.types) - 1
}

// Import imports a function and is its index.
func (m *Module) Import(module, name, params, results string) int {
	if len(m.funcs) > 0 {
		panic("asm: an import after a function")
	}
	m.imports = append(m.imports, Seq(Name(module), Name(name), Code{0}, U32(m.Type(params, results))))
	m.imported++
	return m.imported - 1
}

// Declare adds a function whose body is given by Define, and is its index.
func (m *Module) Declare(params, results string) int {
	m.funcs = append(m.funcs, U32(m.Type(params, results)))
	m.bodies = append(m.bodies, nil)
	return m.imported + len(m.funcs) - 1
}

// Define gives a declared function its locals and its code.
func (m *Module) Define(f int, locals string, code ...Code) {
	m.bodies[f-m.imported] = Sized(Seq(Locals(locals), Seq(code...), End))
}

// Func adds a function and is its index.
func (m *Module) Func(params, results, locals string, code ...Code) int {
	f := m.Declare(params, results)
	m.Define(f, locals, code...)
	return f
}

// Memory adds a memory, in pages, exported as "memory" if it is the first.
func (m *Module) Memory(least, most uint64) {
	m.memories = append(m.memories, Limits(least, most))
	if len(m.memories) == 1 {
		m.export("memory", 2, 0)
	}
}

// Table adds a table of funcref and is its index.
func (m *Module) Table(least, most uint64) int {
	m.tables = append(m.tables, append(Types("r"), Limits(least, most)...))
	return len(m.tables) - 1
}

// Global adds a mutable global with its first value, and is its index.
func (m *Module) Global(typ string, first Code) int {
	m.globals = append(m.globals, Seq(Types(typ), Code{1}, first, End))
	return len(m.globals) - 1
}

// Export exports a function.
func (m *Module) Export(name string, f int) { m.export(name, 0, f) }

// ExportGlobal exports a global.
func (m *Module) ExportGlobal(name string, global int) { m.export(name, 3, global) }

func (m *Module) export(name string, kind byte, index int) {
	m.exports = append(m.exports, Seq(Name(name), Code{kind}, U32(index)))
}

// Start names the start function.
func (m *Module) Start(f int) { m.start = U32(f) }

// Elements puts functions into table 0 from an offset on.
func (m *Module) Elements(offset int, funcs ...int) {
	m.elements = append(m.elements, Seq(Code{0}, I32(offset), End, functionVec(funcs)))
}

// PassiveElements adds functions for table.init, and is the segment's index.
func (m *Module) PassiveElements(funcs ...int) int {
	m.elements = append(m.elements, Seq(Code{1, 0}, functionVec(funcs)))
	return len(m.elements) - 1
}

func functionVec(funcs []int) []byte {
	items := make([][]byte, len(funcs))
	for i, f := range funcs {
		items[i] = U32(f)
	}
	return Vec(items...)
}

// Data puts bytes into memory 0 at an offset.
func (m *Module) Data(offset uint32, b []byte) {
	m.data = append(m.data, Seq(Code{0}, I32(offset), End, Sized(b)))
}

// PassiveData adds bytes for memory.init, and is the segment's index.
func (m *Module) PassiveData(b []byte) int {
	m.passive = true
	m.data = append(m.data, Seq(Code{1}, Sized(b)))
	return len(m.data) - 1
}

// Custom adds a custom section at the end.
func (m *Module) Custom(name string, content []byte) {
	m.customs = append(m.customs, Custom(name, content))
}

// Sections are the encoded sections in their order, those without content left
// out.
func (m *Module) Sections() [][]byte {
	var out [][]byte
	add := func(id byte, items [][]byte) {
		if len(items) > 0 {
			out = append(out, Section(id, Vec(items...)))
		}
	}
	add(SecType, m.types)
	add(SecImport, m.imports)
	add(SecFunction, m.funcs)
	add(SecTable, m.tables)
	add(SecMemory, m.memories)
	add(SecGlobal, m.globals)
	add(SecExport, m.exports)
	if m.start != nil {
		out = append(out, Section(SecStart, m.start))
	}
	add(SecElement, m.elements)
	if m.passive {
		out = append(out, Section(SecDataCount, U32(len(m.data))))
	}
	add(SecCode, m.bodies)
	add(SecData, m.data)
	return append(out, m.customs...)
}

// Bytes is the binary.
func (m *Module) Bytes() []byte { return Binary(m.Sections()...) }
