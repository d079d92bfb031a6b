package wasmhost_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// TestLargestMemory grows a memory as far as any limit allows. At 4 GiB wazero
// would tell a size of 0, to guests and to the host.
func TestLargestMemory(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Memory(1, -1)
	m.Func("f", "", "i", "", "i32.const 65534 memory.grow drop i32.const 1 memory.grow drop memory.size")
	for _, limit := range []int64{1<<32 - 1, 1 << 32, 1 << 40, 1<<63 - 1} {
		opt := options()
		opt.Limits.Memory = limit
		e := trap(t, compile(t, m.Bytes()), "f", "", wasmhost.KindError, opt)
		if e.Message != "the task returned 65535 without a message" {
			t.Errorf("limit of %d bytes: got %q", limit, e.Message)
		}
	}
}
