package asm

import "encoding/binary"

// Module is a module being built. The zero value is an empty one. Imports come
// before definitions of the same kind, as in the format.
type Module struct {
	sections  [13][][]byte
	customs   []byte
	types     map[string]uint32
	functions uint32
}

// The ids of sections for Raw.
const (
	TypeSection = iota + 1
	ImportSection
	FunctionSection
	TableSection
	MemorySection
	GlobalSection
	ExportSection
	StartSection
	ElementSection
	CodeSection
	DataSection
	DataCountSection
)

var letters = map[rune]byte{'i': 0x7f, 'l': 0x7e, 'f': 0x7d, 'd': 0x7c, 'v': 0x7b, 'a': 0x70, 'e': 0x6f}

func types(s string) []byte {
	out := uleb(uint64(len(s)))
	for _, c := range s {
		b, ok := letters[c]
		if !ok {
			panic("asm: no type " + string(c))
		}
		out = append(out, b)
	}
	return out
}

func uleb(v uint64) []byte { return binary.AppendUvarint(nil, v) }

func sleb(v int64) []byte {
	var out []byte
	for v < -0x40 || v > 0x3f {
		out = append(out, byte(v)|0x80)
		v >>= 7
	}
	return append(out, byte(v)&0x7f)
}

func name(s string) []byte { return append(uleb(uint64(len(s))), s...) }

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// Raw adds an encoded item to a section and returns its number there.
func (m *Module) Raw(section int, item ...byte) uint32 {
	m.sections[section] = append(m.sections[section], item)
	return uint32(len(m.sections[section]) - 1)
}

// Type returns the index of a function type, which it adds if need be.
func (m *Module) Type(params, results string) uint32 {
	key := params + ":" + results
	if m.types == nil {
		m.types = map[string]uint32{}
	}
	if _, ok := m.types[key]; !ok {
		m.types[key] = m.Raw(TypeSection, join([]byte{0x60}, types(params), types(results))...)
	}
	return m.types[key]
}

// ImportFunc imports a function and returns its index.
func (m *Module) ImportFunc(module, field, params, results string) uint32 {
	m.Raw(ImportSection, join(name(module), name(field), []byte{0}, uleb(uint64(m.Type(params, results))))...)
	m.functions++
	return m.functions - 1
}

// Func defines a function, exported unless export is empty, and returns its
// index.
func (m *Module) Func(export, params, results, locals, code string) uint32 {
	m.Raw(FunctionSection, uleb(uint64(m.Type(params, results)))...)
	var groups []byte
	for _, l := range locals {
		groups = append(groups, 1, letters[l])
	}
	m.Body(join(uleb(uint64(len(locals))), groups, Code(code), []byte{0x0b}))
	m.functions++
	if export != "" {
		m.Export(export, 0, m.functions-1)
	}
	return m.functions - 1
}

// Body adds an encoded function body without its size.
func (m *Module) Body(body []byte) {
	m.Raw(CodeSection, join(uleb(uint64(len(body))), body)...)
}

// Export exports a function (kind 0), table (1), memory (2) or global (3).
func (m *Module) Export(field string, kind byte, index uint32) {
	m.Raw(ExportSection, join(name(field), []byte{kind}, uleb(uint64(index)))...)
}

func bounds(lowest, highest int) []byte {
	if highest < 0 {
		return join([]byte{0}, uleb(uint64(lowest)))
	}
	return join([]byte{1}, uleb(uint64(lowest)), uleb(uint64(highest)))
}

// Memory defines the memory and exports it as "memory". A negative maximum is
// none.
func (m *Module) Memory(pages, maximum int) {
	m.Raw(MemorySection, bounds(pages, maximum)...)
	m.Export("memory", 2, 0)
}

// Table defines a table of a (functions) or e and returns its index.
func (m *Module) Table(typ rune, size, maximum int) uint32 {
	return m.Raw(TableSection, join([]byte{letters[typ]}, bounds(size, maximum))...)
}

// Global defines a global and returns its index.
func (m *Module) Global(typ rune, mutable bool, init string) uint32 {
	flag := byte(0)
	if mutable {
		flag = 1
	}
	return m.Raw(GlobalSection, join([]byte{letters[typ], flag}, Code(init), []byte{0x0b})...)
}

// Elements puts functions into table 0, from an offset on.
func (m *Module) Elements(offset int, functions ...uint32) uint32 {
	return m.Raw(ElementSection, join([]byte{0, 0x41}, sleb(int64(offset)), []byte{0x0b}, indices(functions))...)
}

// PassiveElements adds a passive segment of functions.
func (m *Module) PassiveElements(functions ...uint32) uint32 {
	return m.Raw(ElementSection, join([]byte{1, 0}, indices(functions))...)
}

func indices(list []uint32) []byte {
	out := uleb(uint64(len(list)))
	for _, i := range list {
		out = append(out, uleb(uint64(i))...)
	}
	return out
}

// Data writes bytes to memory at an offset.
func (m *Module) Data(offset int, bytes string) uint32 {
	return m.Raw(DataSection, join([]byte{0, 0x41}, sleb(int64(offset)), []byte{0x0b}, name(bytes))...)
}

// PassiveData adds a passive segment.
func (m *Module) PassiveData(bytes string) uint32 {
	return m.Raw(DataSection, join([]byte{1}, name(bytes))...)
}

// Start sets the start function.
func (m *Module) Start(function uint32) { m.Raw(StartSection, uleb(uint64(function))...) }

// Custom adds a custom section at the end of the module.
func (m *Module) Custom(field string, content []byte) {
	body := join(name(field), content)
	m.customs = join(m.customs, []byte{0}, uleb(uint64(len(body))), body)
}

// Bytes returns the module. It has a data count section when it has data.
func (m *Module) Bytes() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, id := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11} {
		body := join(m.sections[id]...)
		items := len(m.sections[id])
		switch {
		case id == DataCountSection && items == 0 && len(m.sections[DataSection]) > 0:
			body = uleb(uint64(len(m.sections[DataSection])))
		case items == 0:
			continue
		case id != StartSection && id != DataCountSection:
			body = join(uleb(uint64(items)), body)
		}
		out = join(out, []byte{byte(id)}, uleb(uint64(len(body))), body)
	}
	return join(out, m.customs)
}
