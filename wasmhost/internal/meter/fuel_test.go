package meter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// Fuel is the documented cost, to the unit, however it is sliced.
func TestFuelIsExact(t *testing.T) {
	t.Parallel()
	programs := handPrograms()
	tests := []struct {
		export string
		arg    uint64
		want   int64
	}{
		// local.get behind the loop, and 11 instructions for each time around
		{"sum", 1, 1 + 11},
		{"sum", 1000, 1 + 11*1000},
		// 5 calls (fib of 3), each of the cost of both arms: 14
		{"fib", 3, 5 * 14},
		// the callee's 5 instructions are part of the call
		{"leaf", 10, 1 + 10*(11+5)},
		// at least one for the function, 10 for each time around, and sum of 3
		{"nest", 10, 1 + 10*(10+1+11*3)},
	}
	for _, test := range tests {
		for _, slice := range []int64{1, 7, 100, 1 << 40} {
			g := newGuest(t, programs, slice, meter.Options{})
			g.call(t, test.export, test.arg)
			if got := g.used(); got != test.want {
				t.Errorf("%s(%d) in slices of %d: used %d, want %d", test.export, test.arg, slice, got, test.want)
			}
		}
	}
}

func TestFuelOfRealCodeIsRepeatable(t *testing.T) {
	t.Parallel()
	wasm, err := goPrograms()
	if err != nil {
		t.Fatal(err)
	}
	rewritten, err := rewrite(wasm)
	if err != nil {
		t.Fatal(err)
	}
	var first int64
	for _, slice := range []int64{1 << 40, 1 << 40, 10_007, 1_000_003} {
		g := &guest{slice: slice, budget: 1 << 40}
		g.Module = reactor(t, runtimeWith(t, g.yield), rewritten)
		g.call(t, "sha256", 3)
		before := g.used()
		g.call(t, "matmul", 20)
		g.call(t, "sort", 1000)
		if used := g.used() - before; first == 0 {
			first = used
		} else if used != first {
			t.Errorf("in slices of %d: used %d, want %d", slice, used, first)
		}
	}
}

// Whatever runs without end runs out of fuel.
func TestEndlessCodeStops(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"loop":             "loop _ br 0 end",
		"loop of a value":  "i32.const 1 loop 1 br 0 end drop",
		"inner loop":       "loop _ loop _ br 1 end end",
		"branch table":     "loop _ i32.const 5 br_table 1 0 0 end",
		"conditional":      "loop _ i32.const 1 br_if 0 end",
		"recursion":        "call 0",
		"indirect":         "i32.const 0 call_indirect 0 0",
		"tail call":        "return_call 0",
		"indirect tail":    "i32.const 0 return_call_indirect 0 0",
		"two functions":    "call 1",
		"memory.fill":      "loop _ i32.const 0 i32.const 1 i32.const 0x100000 memory.fill br 0 end",
		"memory.copy":      "loop _ i32.const 0 i32.const 1 i32.const 0xfffff memory.copy br 0 end",
		"memory.grow of 0": "loop _ i32.const 0 memory.grow drop br 0 end",
		"table.fill":       "loop _ i32.const 0 ref.null a i32.const 1 table.fill 0 br 0 end",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m asm.Module
			m.Type("", "")
			m.Type("i", "i")
			m.Memory(16, -1)
			m.Table('a', 1, -1)
			m.Func("run", "", "", "", code)
			m.Func("", "", "", "", "call 0")
			m.Elements(0, 0)
			g := newGuest(t, m.Bytes(), 1000, meter.Options{InitialStack: 1 << 40})
			g.budget = 50_000
			_, err := g.ExportedFunction("run").Call(t.Context())
			if !errors.Is(err, errFuel) {
				t.Errorf("got %v, want %v", err, errFuel)
			}
		})
	}
}

func TestStartFunctionIsMetered(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Start(m.Func("", "", "", "", "loop _ br 0 end"))
	g, err := tryGuest(t, m.Bytes(), 1000, meter.Options{})
	if !errors.Is(err, errFuel) {
		t.Errorf("got %v after %d yields, want %v", err, g.yields, errFuel)
	}
}

// Bulk instructions cost by length, those that fail no more than they could do.
func TestBulkCosts(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Memory(32, 64)
	m.Table('a', 10, -1)
	m.PassiveData(strings.Repeat("x", 160))
	m.Func("fill", "i", "", "", "i32.const 0 i32.const 1 local.get 0 memory.fill")
	m.Func("copy", "i", "", "", "i32.const 64 i32.const 0 local.get 0 memory.copy")
	m.Func("init", "i", "", "", "i32.const 64 i32.const 0 local.get 0 memory.init 0")
	m.Func("grow", "i", "i", "", "local.get 0 memory.grow")
	m.Func("table", "i", "", "", "i32.const 0 ref.null a local.get 0 table.fill 0")
	wasm := m.Bytes()
	for _, test := range []struct {
		export    string
		arg       uint64
		dynamic   int64
		wantError bool
	}{
		{"fill", 15, 0, false},
		{"fill", 1 << 20, 1 << 16, false},
		{"fill", 1 << 31, 0, true},
		{"copy", 1 << 20, 1 << 16, false},
		{"copy", 1 << 31, 0, true},
		{"init", 160, 10, false},
		{"init", 1 << 31, 10, true},
		{"grow", 10, 2560, false},
		{"grow", 60000, 0, false},
		{"table", 10, 10, false},
		{"table", 11, 11, true},
	} {
		g := newGuest(t, wasm, 1<<40, meter.Options{})
		_, err := g.ExportedFunction(test.export).Call(t.Context(), test.arg)
		if (err != nil) != test.wantError {
			t.Errorf("%s(%d): %v", test.export, test.arg, err)
		}
		static := newGuest(t, wasm, 1<<40, meter.Options{})
		static.call(t, test.export, 0)
		if got := g.used() - static.used(); got != test.dynamic {
			t.Errorf("%s(%d): charged %d for the length, want %d", test.export, test.arg, got, test.dynamic)
		}
	}
}
