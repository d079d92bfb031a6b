package estimate_test

import (
	"bytes"
	"encoding/binary"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// code is encoded instructions.
type code []byte

func seq(parts ...code) code {
	var out code
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func op(b byte, imm ...int) code {
	out := code{b}
	for _, i := range imm {
		out = binary.AppendUvarint(out, uint64(i))
	}
	return out
}

func repeat(n int, c ...code) code { return bytes.Repeat(seq(c...), n) }

func each(n int, f func(i int) code) code {
	var out code
	for i := range n {
		out = append(out, f(i)...)
	}
	return out
}

const (
	opBlock, opLoop, opIf, opElse, opEnd = 0x02, 0x03, 0x04, 0x05, 0x0b
	empty                                = 0x40
)

var (
	block  = code{opBlock, empty}
	loop   = code{opLoop, empty}
	when   = code{opIf, empty}
	other  = code{opElse}
	end    = code{opEnd}
	drop   = code{0x1a}
	add    = code{0x6a}
	ret    = code{0x0f}
	zero   = code{0x41, 0}
	load   = code{0x28, 2, 0}
	store  = code{0x36, 2, 0}
	get    = func(i int) code { return op(0x20, i) }
	set    = func(i int) code { return op(0x21, i) }
	br     = func(i int) code { return op(0x0c, i) }
	brIf   = func(i int) code { return op(0x0d, i) }
	call   = func(i int) code { return op(0x10, i) }
	global = func(i int) code { return op(0x23, i) }
)

// table is a br_table, the default last.
func table(targets ...int) code { return op(0x0e, append([]int{len(targets) - 1}, targets...)...) }

// upTo are n targets.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// module is a module whose functions take an i32.
type module struct{ asm.Module }

// add adds a function of n locals more, all i32.

func (m *module) add(locals int, body ...code) {
	m.Raw(asm.FunctionSection, binary.AppendUvarint(nil, uint64(m.Type("i", "")))...)
	b := append(binary.AppendUvarint([]byte{1}, uint64(locals)), 0x7f)
	m.Body(append(append(b, seq(body...)...), opEnd))
}

// one is a module of one function, with a memory.
func one(locals int, body ...code) []byte {
	m := &module{}
	m.Memory(1, 1)
	m.add(locals, body...)
	return m.Bytes()
}

// change adds 1 to a local.
func change(i int) code { return seq(get(i), code{0x41, 1}, add, set(i)) }

// use stores a local, without which its value is never computed.
func use(i int) code { return seq(zero, get(i), store) }

func uses(n int) code { return each(n, use) }
