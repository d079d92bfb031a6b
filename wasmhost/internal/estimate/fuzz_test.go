package estimate_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// FuzzCompile estimates whatever parser and validator pass: without a panic,
// and the same each time.
func FuzzCompile(f *testing.F) {
	for _, s := range shapes {
		if wasm := s.wasm(); len(wasm) < 3_000 {
			f.Add(wasm)
		}
	}
	f.Add(one(3, loop, get(0), when, block, get(1), table(0, 1, 2, 3), end, other, br(2), end, change(2), br(0), end, ret, loop, when, other, end, end))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
		if err != nil || m.Validate() != nil {
			return
		}
		first := estimate.Compile(m)
		if second := estimate.Compile(m); first != second {
			t.Errorf("got %+v, then %+v", first, second)
		}
		if first.Excess < 0 || first.Linear < 0 {
			t.Errorf("got %+v", first)
		}
	})
}
