package artifact_test

import "encoding/binary"

// uleb is n in LEB128.
func uleb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func section(id byte, content []byte) []byte {
	return append(append([]byte{id}, uleb(len(content))...), content...)
}

// module has one function, exported as run, of type () -> i32. locals are the
// declarations of its locals, encoded; nil for none.
func module(locals, code []byte) []byte {
	if locals == nil {
		locals = []byte{0}
	}
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	wasm = append(wasm, section(1, []byte{1, 0x60, 0, 1, 0x7f})...)
	wasm = append(wasm, section(3, []byte{1, 0})...)
	wasm = append(wasm, section(7, []byte("\x01\x03run\x00\x00"))...)
	body := append(append(uleb(len(locals)+len(code)), locals...), code...)
	return append(wasm, section(10, append([]byte{1}, body...))...)
}

// i64Locals declares n locals of i64.
func i64Locals(n int) []byte { return append(append([]byte{1}, uleb(n)...), 0x7e) }
