package wasmhost_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// sameModule computes with a grown memory, the clock, randomness and what its
// initialization left. With drop its instances can't be reset.
func sameModule(drop string) []byte {
	var m asm.Module
	m.ImportFunc(wasi, "clock_time_get", "ili", "i")
	m.ImportFunc(wasi, "random_get", "ii", "i")
	m.ImportFunc("graflow_v1", "output_write", "ii", "i")
	m.Memory(1, 8)
	m.PassiveData("x")
	m.Global('l', true, "i64.const 1000000000000000000")
	mix := `i32.const 8 i32.const 8 call 1 drop i32.const 1 i64.const 1 i32.const 16 call 0 drop
		global.get 0 i32.const 8 i64.load 0 i64.add i32.const 16 i64.load 0 i64.add i64.const 1000000000000000000 i64.rem_u
		i64.const 1000000000000000000 i64.add global.set 0 `
	m.Start(m.Func("", "", "", "", mix))
	m.Func("_initialize", "", "", "", drop+mix)
	m.Func("f", "", "i", "i", "i32.const 3 memory.grow drop i32.const 65536 i32.const 7 i32.const 100000 memory.fill "+mix+`
		i32.const 19 local.set 0
		loop _
			local.get 0 i32.const 99 i32.add global.get 0 i64.const 10 i64.rem_u i32.wrap_i64 i32.const 48 i32.add i32.store8 0
			global.get 0 i64.const 10 i64.div_u global.set 0
			local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
		end
		i32.const 100 i32.const 19 call 2 drop i32.const 0`)
	return m.Bytes()
}

// TestSameInAnySandbox runs a task in sandboxes that came about in every way there
// is: what it gives, and the fuel that it takes, must not tell them apart.
func TestSameInAnySandbox(t *testing.T) {
	t.Parallel()
	for name, configs := range map[string][]wasmhost.Config{
		"":             {{}, {IdleBytes: -1}, {Portable: true}, {Portable: true, IdleBytes: -1}},
		"data.drop 0 ": {{}, {Portable: true}},
	} {
		var first wasmhost.Result
		for _, config := range configs {
			m := hostWith(t, config, sameModule(name+" "))
			for range 3 {
				r := call(t, m, "f", "", deterministic())
				if first.Output == nil {
					first = r
				}
				if string(r.Output) != string(first.Output) || r.Ledger.Fuel != first.Ledger.Fuel || r.Ledger.PeakMemory != 4<<16 {
					t.Errorf("%q with %+v: got %s and %+v, the first time %s and %+v", name, config, r.Output, r.Ledger, first.Output, first.Ledger)
				}
			}
		}
	}
}
