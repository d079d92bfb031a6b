package artifact_test

import (
	"bytes"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// manyFunctions is a module of n functions of different lengths; the first answers 42.
func manyFunctions(n int) []byte {
	wasm := []byte("\x00asm\x01\x00\x00\x00")
	wasm = append(wasm, section(1, []byte{1, 0x60, 0, 1, 0x7f})...)
	wasm = append(wasm, section(3, append(uleb(n), make([]byte, n)...))...)
	wasm = append(wasm, section(7, []byte("\x01\x03run\x00\x00"))...)
	code := uleb(n)
	for i := range n {
		body := append([]byte{0, 0x41, 42}, bytes.Repeat([]byte{0x41, 1, 0x6a, 0x41, 1, 0x6b}, i)...) // +1 -1
		body = append(body, 0x0b)
		code = append(append(code, uleb(len(body))...), body...)
	}
	return append(wasm, section(10, code)...)
}

// TestWorkers: how many threads compile can't be seen in the code.
func TestWorkers(t *testing.T) {
	t.Parallel()
	wasm := manyFunctions(300)
	var codes [][]byte
	for _, workers := range []int{1, 4} {
		dir := cacheDir(t)
		open(t, artifact.Config{Dir: dir, Workers: workers}).run(t, wasm, artifact.FromChild, 42)
		entry := read(t, added(t, dir, nil))
		codes = append(codes, entry[:len(entry)-112]) // before the trailer, whose key is another
	}
	if !bytes.Equal(codes[0], codes[1]) {
		t.Errorf("%d bytes of code by one thread, other %d bytes by four", len(codes[0]), len(codes[1]))
	}
}
