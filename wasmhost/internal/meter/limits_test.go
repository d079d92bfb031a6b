package meter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// deep recurses as often as its argument says, by ways that leave a function
// differently.
func deep() []byte {
	var m asm.Module
	m.Type("i", "i")
	m.Table('a', 1, -1)
	// down(n) = n == 0 ? 0 : down(n-1)+1
	m.Func("down", "i", "i", "", `
		local.get 0 i32.eqz if _ i32.const 0 return end
		local.get 0 i32.const 1 i32.sub call 0 i32.const 1 i32.add`)
	m.Func("indirect", "i", "i", "", `
		block _ local.get 0 br_if 0 i32.const 0 br 1 end
		local.get 0 i32.const 1 i32.sub i32.const 0 call_indirect 0 0 i32.const 1 i32.add`)
	m.Func("pair", "i", "ii", "", `
		local.get 0 i32.eqz if _ i32.const 0 i32.const 0 return end
		local.get 0 i32.const 1 i32.sub call 2 i32.const 1 i32.add`)
	m.Func("tail", "i", "i", "", `
		local.get 0 i32.eqz if _ i32.const 7 return end
		local.get 0 i32.const 1 i32.sub return_call 3`)
	m.Elements(0, 1)
	return m.Bytes()
}

// What recursion takes of the stack is given back, whatever the way out.
func TestStackIsGivenBack(t *testing.T) {
	t.Parallel()
	g := newGuest(t, deep(), 1<<40, meter.Options{InitialStack: 1 << 20})
	for _, export := range []string{"down", "indirect", "pair", "tail"} {
		g.call(t, export, 100)
		if left := int64(counter(g, meter.StackExport).Get()); left != 1<<20 {
			t.Errorf("%s: %d bytes of stack are left, want all", export, left)
		}
	}
	if got := g.call(t, "tail", 1_000_000)[0]; got != 7 {
		t.Errorf("a million tail calls: got %d, want 7", got)
	}
}

func TestStackIsLimited(t *testing.T) {
	t.Parallel()
	for _, export := range []string{"down", "indirect", "pair"} {
		g := newGuest(t, deep(), 1<<40, meter.Options{InitialStack: 64 << 10})
		if _, err := g.ExportedFunction(export).Call(t.Context(), 100_000); !errors.Is(err, errStack) {
			t.Errorf("%s: got %v, want %v", export, err, errStack)
		}
		// A frame is 64 bytes, and 8 for each local and operand.
		if at := fuelLeft(g); g.granted-at < 500 {
			t.Errorf("%s: ended after %d units", export, g.granted-at)
		}
	}
}

// Code that can't recurse pays nothing for the stack.
func TestStackIsOnlyCountedInCycles(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Func("a", "", "", "", "call 1")
	m.Func("b", "", "", "", "call 2 call 2")
	m.Func("c", "", "", "", "nop")
	g := newGuest(t, m.Bytes(), 1<<40, meter.Options{})
	counter(g, meter.FuelExport).Set(1000)
	counter(g, meter.StackExport).Set(0) // any charge would end it
	g.call(t, "a")
}

func growing(size, maximum int) []byte {
	var m asm.Module
	m.Table('a', size, maximum)
	m.Table('e', 5, -1)
	m.Func("grow", "i", "i", "", "ref.null a local.get 0 table.grow 0")
	m.Func("grow2", "i", "i", "", "ref.null e local.get 0 table.grow 1")
	m.Func("size", "", "i", "", "table.size 0")
	return m.Bytes()
}

// All tables of a module grow from one budget.
func TestTableBudget(t *testing.T) {
	t.Parallel()
	const failed = 0xffffffff
	g := newGuest(t, growing(10, -1), 1<<40, meter.Options{MaxTableElements: 100})
	for _, test := range []struct {
		export    string
		arg, want uint64
	}{
		{"grow", 0x7fffffff, failed},
		{"grow", 0xffffffff, failed},
		{"grow", 50, 10},
		{"grow2", 36, failed},
		{"grow2", 35, 5},
		{"grow", 1, failed},
		{"grow", 0, 60},
		{"size", 0, 60},
	} {
		args := []uint64{test.arg}
		if test.export == "size" {
			args = nil
		}
		if got := uint64(uint32(g.call(t, test.export, args...)[0])); got != test.want {
			t.Errorf("%s(%d): got %d, want %d", test.export, test.arg, got, test.want)
		}
	}
	if left := uint32(counter(g, meter.TablesExport).Get()); left != 0 {
		t.Errorf("%d elements are left, want 0", left)
	}
}

// A table's own maximum holds within the budget.
func TestTableMaximum(t *testing.T) {
	t.Parallel()
	g := newGuest(t, growing(10, 20), 1<<40, meter.Options{MaxTableElements: 100})
	if got := int32(g.call(t, "grow", 11)[0]); got != -1 {
		t.Errorf("grow past the maximum: got %d, want -1", got)
	}
	if left := counter(g, meter.TablesExport).Get(); left != 85 {
		t.Errorf("a failed grow left %d elements, want 85", left)
	}
}

func TestDirty(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]uint64{
		"i32.const 0 ref.null a table.set 0":                 1,
		"ref.null a i32.const 1 table.grow 0 drop":           1,
		"i32.const 0 ref.null a i32.const 1 table.fill 0":    1,
		"i32.const 0 i32.const 1 i32.const 1 table.copy 0 0": 1,
		"i32.const 0 i32.const 0 i32.const 1 table.init 0 0": 1,
		"elem.drop 0": 1,
		"data.drop 0": 1,
		"i32.const 0 table.get 0 drop table.size 0 drop":                   0,
		"i32.const 0 i32.const 0 i32.const 1 memory.init 0":                0,
		"i32.const 0 i32.const 1 i32.const 9 memory.fill":                  0,
		"i32.const 0 i32.const 1 i32.const 9 memory.copy":                  0,
		"i32.const 1 memory.grow drop i32.const 4 i32.const 4 i32.store 0": 0,
	} {
		var m asm.Module
		m.Memory(1, -1)
		m.Table('a', 4, -1)
		m.Func("run", "", "", "", code)
		m.PassiveElements(0)
		m.PassiveData("abc")
		g := newGuest(t, m.Bytes(), 1<<40, meter.Options{})
		if got := counter(g, meter.DirtyExport).Get(); got != 0 {
			t.Errorf("dirty at first")
		}
		g.call(t, "run")
		if got := counter(g, meter.DirtyExport).Get(); got != want {
			t.Errorf("%s: dirty is %d, want %d", code, got, want)
		}
	}
}

// A module of loops alone does not become many times as large.
func TestGrowthIsLimited(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Func("run", "", "", "", strings.Repeat("loop _ br 0 end ", 200_000))
	if _, err := rewriteWith(m.Bytes(), meter.Options{}); err == nil || !strings.Contains(err.Error(), "4 times as large") {
		t.Errorf("got %v, want a refusal", err)
	}
}
