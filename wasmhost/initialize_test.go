package wasmhost_test

import (
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// TestVirtualClockNeverGoesBack reads the clock in all that runs before a task,
// with a snapshot and without one.
func TestVirtualClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	spin := "i32.const 100000 local.set 0 loop _ local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end "
	read := spin + `i32.const 1 i64.const 1 i32.const 8 call 0 drop
		i32.const 8 i64.load 0 global.get 0 i64.lt_u if _ unreachable end
		i32.const 8 i64.load 0 global.set 0 `
	for _, fresh := range []string{"", "drop", "start"} {
		var m asm.Module
		m.ImportFunc(wasi, "clock_time_get", "ili", "i")
		m.Memory(1, 1)
		m.Global('l', true, "i64.const 0")
		before := ""
		if fresh == "drop" {
			m.PassiveData("x")
			before = "data.drop 0 "
		}
		if fresh == "start" {
			m.Start(m.Func("", "", "", "i", read))
		}
		m.Func("_initialize", "", "", "i", before+spin+read)
		m.Func("graflow_warmup", "", "", "i", read)
		m.Func("f", "", "i", "i", read[len(spin):]+"i32.const 0")
		module := compile(t, m.Bytes())
		opt := options()
		opt.Grants.Clock = wasmhost.ClockVirtual
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := module.Call(t.Context(), "f", nil, opt); err != nil {
					t.Errorf("%q: %v", fresh, err)
				}
			})
		}
		all.Wait()
	}
}
