package extism_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// What a plug-in's data costs: eight bytes in and out, and a block.
func BenchmarkKernel(b *testing.B) {
	state := extism.New(extism.Config{Input: make([]byte, 1<<20)})
	for name, args := range map[string][]uint64{
		"load_u64": {1000}, "store_u64": {1000, 1}, "input_load_u64": {1000},
	} {
		b.Run(name, func(b *testing.B) {
			f, stack := functions[name].Run, make([]uint64, len(args))
			for b.Loop() {
				copy(stack, args)
				f(b.Context(), state, stack)
			}
		})
	}
	b.Run("alloc and free", func(b *testing.B) {
		alloc, free, stack := functions["alloc"].Run, functions["free"].Run, make([]uint64, 1)
		for b.Loop() {
			stack[0] = 100
			alloc(b.Context(), state, stack)
			free(b.Context(), state, stack)
		}
	})
}
