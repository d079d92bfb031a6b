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

// A loop round a br_table charges for what it goes to, not for all it holds.
func TestFuelOfBranchTables(t *testing.T) {
	t.Parallel()
	work := func(n int) string { return strings.Repeat("i32.const 1 drop ", n/2) }
	var m asm.Module
	// A turn costs its header, 2, and what it comes by: 100+3, 200+3 or 0.
	m.Func("states", "i", "", "", `
		loop _ block _ block _ block _
			local.get 0 br_table 2 0 1 2
			end `+work(100)+` i32.const 1 local.set 0
			end `+work(200)+` i32.const 2 local.set 0 br 1
			end
		end`)
	// Its header may trap, so it is charged there. The switch leaves for one
	// place, which is charged with the header.
	m.Func("switch", "i", "", "i", `
		loop _
			block _ block _ block _ block _
				local.get 1 i32.load8_u 0 br_table 3 0 1 2 3
				end `+work(50)+` br 2
				end `+work(60)+` br 1
				end `+work(70)+`
			end
			local.get 1 i32.const 1 i32.add local.tee 1 local.get 0 i32.lt_u br_if 0
		end`)
	// Without a loop: 3 for the table, and both cases.
	m.Func("once", "i", "", "", `
		block _ block _ block _ local.get 0 br_table 2 0 1 2
			end `+work(80)+` br 1
			end `+work(90)+`
		end i32.const 7 drop`)
	// Small loops are charged at once.
	m.Func("small", "i", "", "", `
		loop _ block _ block _ local.get 0 br_table 1 0 1
			end i32.const 1 local.set 0 br 1
			end
		end`)
	// A landing in one arm does not pay for the other: 4 and 60 are sure.
	m.Func("arms", "i", "", "", `
		local.get 0 if _
			block _ block _ local.get 0 br_table 1 0 1
				end `+work(80)+` br 1
				end `+work(10)+`
			else `+work(60)+` end`)
	// What the header leads to pays for it, though only a loop follows.
	m.Func("tail", "i", "", "", `
		loop _ block _ block _ local.get 0 br_table 1 0 1
			end `+work(100)+`
			end
			loop _
				local.get 0 i32.const 1 i32.sub local.tee 0 i32.const 5 i32.gt_u br_if 0
				local.get 0 br_if 1
			end
		end`)
	// What comes behind all cases, 24, is charged with the header.
	m.Func("joined", "i", "", "", `
		loop _ block _ block _ block _ local.get 0 br_table 1 0 1
			end `+work(100)+`
			end `+work(10)+`
			end `+work(20)+` local.get 0 i32.const 2 i32.eq br_if 0
		end`)
	// A header that may leave the loop is charged for itself.
	m.Func("exit", "i", "", "", `
		block _ loop _ block _ local.get 0 br_table 1 0 2
			end `+work(100)+` i32.const 1 local.set 0 br 0
		end end`)
	m.Memory(1, -1)
	m.Data(0, "\x00\x01\x02\x03")
	wasm := m.Bytes()
	for _, test := range []struct {
		export string
		arg    uint64
		want   int64
	}{
		// The first case falls into the second, which also pays for a header.
		{"states", 0, 1 + (2 + 102) + (2 + 203) + 2},
		{"states", 1, 1 + (2 + 203) + 2},
		{"states", 2, 1 + 2},
		{"switch", 1, 1 + (3 + 7) + 51},
		{"switch", 4, 1 + 4*(3+7) + 51 + 61 + 70},
		{"once", 0, 4 + 81},
		{"once", 1, 4 + 90},
		{"once", 9, 4},
		{"arms", 0, 64},
		{"arms", 1, 64 + 10},
		{"tail", 3, 1 + 3*(2+9)},
		{"joined", 0, 1 + 2 + 24 + 100 + 10},
		{"exit", 0, 1 + (2 + 103) + 2},
		{"small", 0, 1 + 2*5},
		{"small", 1, 1 + 5},
	} {
		for _, slice := range []int64{1, 50, 1 << 40} {
			g := newGuest(t, wasm, slice, meter.Options{})
			g.call(t, test.export, test.arg)
			if got := g.used(); got != test.want {
				t.Errorf("%s(%d) in slices of %d: used %d, want %d", test.export, test.arg, slice, got, test.want)
			}
		}
	}
}

// A function with landings is not left to its callers, who would look at the
// fuel too late.
func TestBranchTablesAreLookedAt(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Func("run", "", "", "", strings.Repeat("i32.const 0 call 1 ", 30))
	m.Func("", "i", "", "", "block _ block _ local.get 0 br_table 1 0 1 end "+strings.Repeat("i32.const 1 drop ", 500)+"br 0 end i32.const 1 drop")
	g := newGuest(t, m.Bytes(), 1, meter.Options{})
	g.call(t, "run")
	if g.yields < 30 {
		t.Errorf("%d yields in %d units, want one in each call", g.yields, g.used())
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
		"dispatching":      "loop _ block _ i32.const 0 br_table 0 0 end " + strings.Repeat("i32.const 0 drop ", 50) + "br 0 end",
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
