package asm

import (
	"encoding/binary"
	"math"
	"slices"
)

// Code is encoded instructions.
type Code = []byte

// Seq is one code after another.
func Seq(parts ...Code) Code { return slices.Concat(parts...) }

// Repeat is code n times over.
func Repeat(n int, parts ...Code) Code {
	return slices.Repeat(slices.Concat(parts...), n)
}

// Instructions without operands.
var (
	Unreachable = Code{0x00}
	Nop         = Code{0x01}
	Else        = Code{0x05}
	End         = Code{0x0b}
	Return      = Code{0x0f}
	Drop        = Code{0x1a}
	MemorySize  = Code{0x3f, 0}
	MemoryGrow  = Code{0x40, 0}
	I32Eqz      = Code{0x45}
	I32Eq       = Code{0x46}
	I32Ne       = Code{0x47}
	I32LtS      = Code{0x48}
	I32LtU      = Code{0x49}
	I32GtS      = Code{0x4a}
	I32GeS      = Code{0x4e}
	I32GeU      = Code{0x4f}
	I64Eqz      = Code{0x50}
	I64Ne       = Code{0x52}
	I64LtS      = Code{0x53}
	I32Add      = Code{0x6a}
	I32Sub      = Code{0x6b}
	I32Mul      = Code{0x6c}
	I32And      = Code{0x71}
	I32Or       = Code{0x72}
	I32Xor      = Code{0x73}
	I32ShrU     = Code{0x76}
	I64Add      = Code{0x7c}
	I32WrapI64  = Code{0xa7}
	RefNull     = Code{0xd0, 0x70}
	RefIsNull   = Code{0xd1}
	MemoryCopy  = Code{0xfc, 10, 0, 0}
	MemoryFill  = Code{0xfc, 11, 0}
)

// I32 is i32.const. Numbers from 1<<31 on are taken as their 32 bits.
func I32[N ~int | ~int32 | ~uint32](n N) Code { return append(Code{0x41}, S64(int64(int32(n)))...) }

// I64 is i64.const.
func I64(n int64) Code { return append(Code{0x42}, S64(n)...) }

// F64 is f64.const.
func F64(x float64) Code {
	return binary.LittleEndian.AppendUint64(Code{0x44}, math.Float64bits(x))
}

func indexed(op byte, index int) Code { return append(Code{op}, U32(index)...) }

// Get is local.get.
func Get(local int) Code { return indexed(0x20, local) }

// Set is local.set.
func Set(local int) Code { return indexed(0x21, local) }

// Tee is local.tee.
func Tee(local int) Code { return indexed(0x22, local) }

// GlobalGet is global.get.
func GlobalGet(global int) Code { return indexed(0x23, global) }

// GlobalSet is global.set.
func GlobalSet(global int) Code { return indexed(0x24, global) }

// Call is call.
func Call(f int) Code { return indexed(0x10, f) }

// CallIndirect is call_indirect through table 0.
func CallIndirect(typ int) Code { return append(indexed(0x11, typ), 0) }

// ReturnCall is return_call.
func ReturnCall(f int) Code { return indexed(0x12, f) }

// ReturnCallIndirect is return_call_indirect through table 0.
func ReturnCallIndirect(typ int) Code { return append(indexed(0x13, typ), 0) }

// RefFunc is ref.func.
func RefFunc(f int) Code { return indexed(0xd2, f) }

// Br is br.
func Br(depth int) Code { return indexed(0x0c, depth) }

// BrIf is br_if.
func BrIf(depth int) Code { return indexed(0x0d, depth) }

// BrTable is br_table: the targets, the last one being the default.
func BrTable(depths ...int) Code {
	out := append(Code{0x0e}, U32(len(depths)-1)...)
	for _, d := range depths {
		out = append(out, U32(d)...)
	}
	return out
}

const empty = 0x40

// Block is a block without values.
func Block(body ...Code) Code { return Seq(Code{0x02, empty}, Seq(body...), End) }

// Loop is a loop without values.
func Loop(body ...Code) Code { return Seq(Code{0x03, empty}, Seq(body...), End) }

// If is an if without values and without else.
func If(body ...Code) Code { return Seq(Code{0x04, empty}, Seq(body...), End) }

// Load32 is i32.load with an offset.
func Load32(offset uint32) Code { return append(Code{0x28, 2}, U32(offset)...) }

// Load64 is i64.load with an offset.
func Load64(offset uint32) Code { return append(Code{0x29, 3}, U32(offset)...) }

// Load8 is i32.load8_u with an offset.
func Load8(offset uint32) Code { return append(Code{0x2d, 0}, U32(offset)...) }

// Store32 is i32.store with an offset.
func Store32(offset uint32) Code { return append(Code{0x36, 2}, U32(offset)...) }

// Store64 is i64.store with an offset.
func Store64(offset uint32) Code { return append(Code{0x37, 3}, U32(offset)...) }

// Store8 is i32.store8 with an offset.
func Store8(offset uint32) Code { return append(Code{0x3a, 0}, U32(offset)...) }

func bulk(op byte, indices ...int) Code {
	out := Code{0xfc, op}
	for _, i := range indices {
		out = append(out, U32(i)...)
	}
	return out
}

// MemoryInit is memory.init.
func MemoryInit(data int) Code { return bulk(8, data, 0) }

// DataDrop is data.drop.
func DataDrop(data int) Code { return bulk(9, data) }

// TableInit is table.init.
func TableInit(elem, table int) Code { return bulk(12, elem, table) }

// ElemDrop is elem.drop.
func ElemDrop(elem int) Code { return bulk(13, elem) }

// TableCopy is table.copy within one table.
func TableCopy(table int) Code { return bulk(14, table, table) }

// TableGrow is table.grow.
func TableGrow(table int) Code { return bulk(15, table) }

// TableSize is table.size.
func TableSize(table int) Code { return bulk(16, table) }

// TableFill is table.fill.
func TableFill(table int) Code { return bulk(17, table) }

// TableGet is table.get.
func TableGet(table int) Code { return indexed(0x25, table) }

// TableSet is table.set.
func TableSet(table int) Code { return indexed(0x26, table) }
