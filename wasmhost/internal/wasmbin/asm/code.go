package asm

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

var opcodes = func() map[string]wasmbin.Opcode {
	byName := map[string]wasmbin.Opcode{}
	for _, prefix := range []wasmbin.Opcode{0, 0xfc00, 0xfd00} {
		for sub := range wasmbin.Opcode(256) {
			op := prefix | sub
			if text := op.String(); !strings.HasPrefix(text, "opcode ") && byName[text] == 0 {
				byName[text] = op
			}
		}
	}
	byName["select_t"] = wasmbin.OpSelectTyped
	return byName
}()

// words are the words of code still to be encoded.
type words struct {
	rest []string
	out  []byte
}

// Code encodes instructions, without adding an end.
func Code(text string) []byte {
	w := &words{rest: strings.Fields(text)}
	for len(w.rest) > 0 {
		w.instruction()
	}
	return w.out
}

func (w *words) next() string {
	if len(w.rest) == 0 {
		panic("asm: an immediate is missing at the end")
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

func (w *words) integer() int64 {
	word := w.next()
	n, err := strconv.ParseInt(word, 0, 64)
	if err != nil {
		u, uerr := strconv.ParseUint(word, 0, 64)
		if uerr != nil {
			panic("asm: " + err.Error())
		}
		n = int64(u)
	}
	return n
}

func (w *words) float() float64 {
	f, err := strconv.ParseFloat(w.next(), 64)
	if err != nil {
		panic("asm: " + err.Error())
	}
	return f
}

func (w *words) add(b ...byte) { w.out = append(w.out, b...) }

func (w *words) index() { w.add(uleb(uint64(w.integer()))...) }

func (w *words) lane() { w.add(byte(w.integer())) }

func (w *words) instruction() {
	word := w.next()
	op, ok := opcodes[word]
	if !ok {
		panic("asm: no instruction " + word)
	}
	if op > 0xff {
		w.add(byte(op >> 8))
		w.add(uleb(uint64(op & 0xff))...)
	} else {
		w.add(byte(op))
	}
	w.immediates(op.Immediate())
}

func (w *words) immediates(imm wasmbin.Immediate) {
	switch imm {
	case wasmbin.ImmBlockType:
		w.blockType()
	case wasmbin.ImmLabel, wasmbin.ImmFunc, wasmbin.ImmLocal, wasmbin.ImmGlobal, wasmbin.ImmTable, wasmbin.ImmData, wasmbin.ImmElement:
		w.index()
	case wasmbin.ImmTypeTable, wasmbin.ImmElementTable, wasmbin.ImmTableTable:
		w.index()
		w.index()
	case wasmbin.ImmLabelTable:
		n := w.integer()
		w.add(uleb(uint64(n))...)
		for range n + 1 {
			w.index()
		}
	case wasmbin.ImmSelectTypes:
		w.add(types(w.next())...)
	case wasmbin.ImmMemArg:
		w.add(0)
		w.index()
	case wasmbin.ImmMemArgLane:
		w.add(0)
		w.index()
		w.lane()
	case wasmbin.ImmMemory:
		w.add(0)
	case wasmbin.ImmMemoryMemory:
		w.add(0, 0)
	case wasmbin.ImmDataMemory:
		w.index()
		w.add(0)
	case wasmbin.ImmI32:
		w.add(sleb(int64(int32(w.integer())))...)
	case wasmbin.ImmI64:
		w.add(sleb(w.integer())...)
	case wasmbin.ImmRefType:
		w.add(letters[rune(w.next()[0])])
	case wasmbin.ImmLane:
		w.lane()
	case wasmbin.ImmShuffle:
		for range 16 {
			w.lane()
		}
	default:
		w.constant(imm)
	}
}

func (w *words) constant(imm wasmbin.Immediate) {
	switch imm {
	case wasmbin.ImmF32:
		w.out = binary.LittleEndian.AppendUint32(w.out, math.Float32bits(float32(w.float())))
	case wasmbin.ImmF64:
		w.out = binary.LittleEndian.AppendUint64(w.out, math.Float64bits(w.float()))
	case wasmbin.ImmV128:
		w.out = binary.LittleEndian.AppendUint64(w.out, uint64(w.integer()))
		w.out = binary.LittleEndian.AppendUint64(w.out, uint64(w.integer()))
	}
}

func (w *words) blockType() {
	word := w.next()
	if word == "_" {
		w.add(0x40)
		return
	}
	if b, ok := letters[rune(word[0])]; ok {
		w.add(b)
		return
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		panic("asm: block type " + word)
	}
	w.add(sleb(int64(n))...)
}
