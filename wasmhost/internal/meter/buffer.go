package meter

import (
	"encoding/binary"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// buffer is WebAssembly being written.
type buffer []byte

func (b *buffer) bytes(p ...byte) { *b = append(*b, p...) }

func (b *buffer) raw(p []byte) { *b = append(*b, p...) }

func (b *buffer) u32(v uint32) { *b = binary.AppendUvarint(*b, uint64(v)) }

func (b *buffer) count(n int) { b.u32(uint32(n)) }

// s64 writes a signed LEB128 number.
func (b *buffer) s64(v int64) {
	for v < -0x40 || v > 0x3f {
		*b = append(*b, byte(v)|0x80)
		v >>= 7
	}
	*b = append(*b, byte(v)&0x7f)
}

func (b *buffer) name(s string) {
	b.count(len(s))
	*b = append(*b, s...)
}

func (b *buffer) sized(p []byte) {
	b.count(len(p))
	*b = append(*b, p...)
}

func (b *buffer) section(id byte, body buffer) {
	b.bytes(id)
	b.sized(body)
}

func (b *buffer) valueTypes(types []wasmbin.ValueType) {
	b.count(len(types))
	for _, t := range types {
		b.bytes(byte(t))
	}
}

// op writes an instruction without immediates.
func (b *buffer) op(op wasmbin.Opcode) {
	if prefix := byte(op >> 8); prefix != 0 {
		b.bytes(prefix)
		b.u32(uint32(op & 0xff))
		return
	}
	b.bytes(byte(op))
}

// opIndex writes an instruction with one index.
func (b *buffer) opIndex(op wasmbin.Opcode, index uint32) {
	b.op(op)
	b.u32(index)
}

func (b *buffer) i32Const(v int32) {
	b.op(wasmbin.OpI32Const)
	b.s64(int64(v))
}

func (b *buffer) i64Const(v int64) {
	b.op(wasmbin.OpI64Const)
	b.s64(v)
}

// Instructions that only added code has.
const (
	opI32Ne         wasmbin.Opcode = 0x47
	opI32GtU        wasmbin.Opcode = 0x4b
	opI64LtS        wasmbin.Opcode = 0x53
	opI64GtU        wasmbin.Opcode = 0x56
	opI32Add        wasmbin.Opcode = 0x6a
	opI32Sub        wasmbin.Opcode = 0x6b
	opI32Or         wasmbin.Opcode = 0x72
	opI32LeU        wasmbin.Opcode = 0x4d
	opI64Add        wasmbin.Opcode = 0x7c
	opI64Sub        wasmbin.Opcode = 0x7d
	opI64Mul        wasmbin.Opcode = 0x7e
	opI64Or         wasmbin.Opcode = 0x84
	opI64Shl        wasmbin.Opcode = 0x86
	opI64ShrU       wasmbin.Opcode = 0x88
	opI64ExtendI32U wasmbin.Opcode = 0xad

	blockEmpty = 0x40
)
