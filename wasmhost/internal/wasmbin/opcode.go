package wasmbin

import "fmt"

// Opcode is an instruction: its byte, or 0xfc00 or 0xfd00 and the number that
// follows the prefix.
type Opcode uint16

// The instructions that a reader of bodies treats specially.
const (
	OpUnreachable        Opcode = 0x00
	OpNop                Opcode = 0x01
	OpBlock              Opcode = 0x02
	OpLoop               Opcode = 0x03
	OpIf                 Opcode = 0x04
	OpElse               Opcode = 0x05
	OpEnd                Opcode = 0x0b
	OpBr                 Opcode = 0x0c
	OpBrIf               Opcode = 0x0d
	OpBrTable            Opcode = 0x0e
	OpReturn             Opcode = 0x0f
	OpCall               Opcode = 0x10
	OpCallIndirect       Opcode = 0x11
	OpReturnCall         Opcode = 0x12
	OpReturnCallIndirect Opcode = 0x13
	OpDrop               Opcode = 0x1a
	OpSelect             Opcode = 0x1b
	OpSelectTyped        Opcode = 0x1c
	OpLocalGet           Opcode = 0x20
	OpLocalSet           Opcode = 0x21
	OpLocalTee           Opcode = 0x22
	OpGlobalGet          Opcode = 0x23
	OpGlobalSet          Opcode = 0x24
	OpTableGet           Opcode = 0x25
	OpTableSet           Opcode = 0x26
	OpMemorySize         Opcode = 0x3f
	OpMemoryGrow         Opcode = 0x40
	OpI32Const           Opcode = 0x41
	OpI64Const           Opcode = 0x42
	OpF32Const           Opcode = 0x43
	OpF64Const           Opcode = 0x44
	OpRefNull            Opcode = 0xd0
	OpRefIsNull          Opcode = 0xd1
	OpRefFunc            Opcode = 0xd2
	OpMemoryInit         Opcode = 0xfc08
	OpDataDrop           Opcode = 0xfc09
	OpMemoryCopy         Opcode = 0xfc0a
	OpMemoryFill         Opcode = 0xfc0b
	OpTableInit          Opcode = 0xfc0c
	OpElemDrop           Opcode = 0xfc0d
	OpTableCopy          Opcode = 0xfc0e
	OpTableGrow          Opcode = 0xfc0f
	OpTableSize          Opcode = 0xfc10
	OpTableFill          Opcode = 0xfc11
	OpV128Const          Opcode = 0xfd0c
)

// Immediate says what follows an opcode.
type Immediate byte

// The kinds of immediates.
const (
	ImmNone         Immediate = iota
	ImmBlockType              // value type, nothing, or type index
	ImmLabel                  // depth
	ImmLabelTable             // count, depths, default depth
	ImmFunc                   // function index
	ImmTypeTable              // type index, table index
	ImmSelectTypes            // count, value types
	ImmLocal                  // local index
	ImmGlobal                 // global index
	ImmTable                  // table index
	ImmMemArg                 // alignment, offset
	ImmMemory                 // memory index, a zero byte
	ImmI32                    // signed LEB128
	ImmI64                    // signed LEB128
	ImmF32                    // 4 bytes
	ImmF64                    // 8 bytes
	ImmV128                   // 16 bytes
	ImmRefType                // reference type
	ImmData                   // data index
	ImmDataMemory             // data index, memory index
	ImmMemoryMemory           // two memory indices
	ImmElement                // element index
	ImmElementTable           // element index, table index
	ImmTableTable             // two table indices
	ImmLane                   // lane
	ImmMemArgLane             // alignment, offset, lane
	ImmShuffle                // 16 lanes of 32
)

// opInfo describes an instruction. in and out are its operands and results as
// letters (i32 i, i64 l, f32 f, f64 d, v128 v); instructions whose types depend
// on more than the opcode have none there.
type opInfo struct {
	name    string
	in, out string
	imm     Immediate
	align   uint8 // log2 of the natural alignment
	lanes   uint8
}

func (op Opcode) info() *opInfo {
	switch op >> 8 {
	case 0xfc:
		return &bulkOps[op&0xff]
	case 0xfd:
		return &simdOps[op&0xff]
	}
	return &plainOps[op&0xff]
}

func (op Opcode) String() string {
	if name := op.info().name; name != "" {
		return name
	}
	return fmt.Sprintf("opcode 0x%02x", uint16(op))
}

// Immediate returns what follows op.
func (op Opcode) Immediate() Immediate { return op.info().imm }
