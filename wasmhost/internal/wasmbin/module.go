package wasmbin

// Module is a parsed module. Names and byte ranges share memory with the bytes
// that were parsed, which must not be changed while the module is in use.
//
// Functions, tables, memories and globals hold whole index spaces: the
// imported ones first, then those the module defines.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Functions []uint32 // type index by function index
	Tables    []TableType
	Memories  []Bounds // at most one
	Globals   []Global
	Exports   []Export
	Start     *uint32
	Elements  []Element
	DataCount *uint32
	Bodies    []Body // of the defined functions
	Data      []Data
	Customs   []Custom

	ImportedFunctions int
	ImportedTables    int
	ImportedMemories  int
	ImportedGlobals   int

	// MaxStack is the greatest height of each body's operand stack in slots of
	// 8 bytes (a v128 takes two). Validate sets it; it is nil before.
	MaxStack []uint32

	startOffset int64
	declared    []bool // by function index: may be the operand of ref.func
}

// Import is one import. Only the type of its kind is set.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         uint32 // of a function
	Table        TableType
	Memory       Bounds
	Global       GlobalType
	Offset       int64
}

// Global is a global; an imported one has no initial value.
type Global struct {
	GlobalType
	Init ConstExpr
}

// Export is one export.
type Export struct {
	Name   string
	Kind   Kind
	Index  uint32
	Offset int64
}

// ConstExpr is a constant expression: one instruction, the end aside.
type ConstExpr struct {
	Op     Opcode
	Index  uint32 // of the global (global.get) or function (ref.func)
	Raw    []byte // the instruction, without its end
	Offset int64
}

// Mode says when a segment is used.
type Mode byte

// The modes of segments. Data segments are never declarative.
const (
	Active Mode = iota
	Passive
	Declarative
)

// Element is an element segment. Its items are either function indices or
// constant expressions.
type Element struct {
	Mode      Mode
	Table     uint32    // of an active one
	At        ConstExpr // of an active one
	Type      ValueType
	Functions []uint32
	Exprs     []ConstExpr // used when UsesExprs
	UsesExprs bool
	Offset    int64
}

// Data is a data segment.
type Data struct {
	Mode   Mode
	Memory uint32
	At     ConstExpr // of an active one
	Bytes  []byte
	Offset int64
}

// LocalGroup is a run of locals of one type.
type LocalGroup struct {
	Count uint32
	Type  ValueType
}

// Body is the body of a defined function.
type Body struct {
	Locals     []LocalGroup // without the parameters
	LocalCount uint32       // of all groups
	LocalBytes []byte       // the encoded groups, without their count
	Code       []byte       // instructions, the final end included
	Offset     int64        // of Code
}

// Custom is a custom section.
type Custom struct {
	Name   string
	Bytes  []byte
	Offset int64
}

// TypeOf returns the type of a function.
func (m *Module) TypeOf(function uint32) FuncType { return m.Types[m.Functions[function]] }
