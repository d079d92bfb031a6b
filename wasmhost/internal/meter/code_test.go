package meter_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

func bulkMemory() []byte {
	var m asm.Module
	m.Memory(32, -1)
	m.Func("fill", "iii", "", "", "local.get 0 local.get 1 local.get 2 memory.fill")
	m.Func("copy", "iii", "", "", "local.get 0 local.get 1 local.get 2 memory.copy")
	return m.Bytes()
}

// memory.copy and memory.fill do in chunks what they do at once.
func TestChunks(t *testing.T) {
	t.Parallel()
	const size, chunk = 32 << 16, 256 << 10
	g := newGuest(t, bulkMemory(), 1000, meter.Options{})
	want := make([]byte, size)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	g.Memory().Write(0, want)
	for _, c := range []struct{ dest, source, length int }{
		{0, 0, size},
		{1, 0, size - 1},
		{0, 1, size - 1},
		{chunk, 0, size - chunk},
		{0, chunk, size - chunk},
		{100, 50, 3*chunk + 1},
		{50, 100, 3*chunk + 1},
		{5, 5 + chunk, chunk},
		{5 + chunk, 5, chunk + 1},
		{size, size, 0},
		{0, size, 0},
		{17, 3, 100},
	} {
		copy(want[c.dest:c.dest+c.length], want[c.source:c.source+c.length])
		g.call(t, "copy", uint64(c.dest), uint64(c.source), uint64(c.length))
		if got, _ := g.Memory().Read(0, size); !bytes.Equal(got, want) {
			t.Fatalf("copy%v differs", c)
		}
	}
	for _, c := range []struct{ dest, value, length int }{{0, 1, size}, {3, 2, chunk}, {9, 300, 2*chunk + 5}, {size, 1, 0}} {
		copy(want[c.dest:], bytes.Repeat([]byte{byte(c.value)}, c.length))
		g.call(t, "fill", uint64(c.dest), uint64(c.value), uint64(c.length))
		if got, _ := g.Memory().Read(0, size); !bytes.Equal(got, want) {
			t.Fatalf("fill%v differs", c)
		}
	}
	if g.yields < 20 {
		t.Errorf("%d yields within long copies, want many", g.yields)
	}
}

// What is out of bounds traps before anything is written.
func TestChunksOutOfBounds(t *testing.T) {
	t.Parallel()
	const size = 32 << 16
	g := newGuest(t, bulkMemory(), 1<<40, meter.Options{})
	for _, c := range [][4]uint64{
		{0, size - 10, 1, 11},
		{0, size + 1, 1, 0},
		{0, 0, 1, 0xffffffff},
		{0, 0xffffffff, 1, 0xffffffff},
		{1, size - 10, 0, 11},
		{1, 0, size - 10, 11},
		{1, size + 1, 0, 0},
		{1, 0, size / 2, size/2 + 1},
		{1, size / 2, 0, size/2 + 1},
		{1, 0, size + 1, 0},
		{1, 0, 8, 0xffffffff},
	} {
		export := []string{"fill", "copy"}[c[0]]
		g.Memory().WriteByte(0, 9)
		_, err := g.ExportedFunction(export).Call(t.Context(), c[1:]...)
		if err == nil || !strings.Contains(err.Error(), "out of bounds memory access") {
			t.Errorf("%s%v: got %v", export, c[1:], err)
		}
		if b, _ := g.Memory().Read(0, size); b[0] != 9 || bytes.Count(b, []byte{0}) != size-1 {
			t.Errorf("%s%v wrote before it trapped", export, c[1:])
		}
	}
}

// Traces name the guest's functions although their indices have shifted.
func TestNamesShift(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Func("outer", "", "", "", "i32.const 5 call 1")
	m.Func("", "i", "", "i", "local.get 0 memory.grow drop unreachable")
	m.Memory(1, -1)
	m.Custom("producers", []byte("x"))
	m.Custom("name", []byte("\x00\x02\x01m"+
		"\x01\x0f\x02\x00\x05outer\x01\x05inner"+
		"\x02\x09\x01\x01\x02\x00\x01p\x01\x01q"+
		"\x07\x04\x01\x00\x01g"))
	wasm := m.Bytes()
	g := newGuest(t, wasm, 1<<40, meter.Options{})
	_, err := g.ExportedFunction("outer").Call(t.Context())
	if err == nil || !strings.Contains(err.Error(), "m.inner(i32)\n\tm.outer()") {
		t.Errorf("got %v, want a trace of m.inner and m.outer", err)
	}
	result, err := rewriteWith(wasm, meter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := wasmbin.Parse(result.Wasm, wasmbin.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Customs) != 1 {
		t.Errorf("%d custom sections, want the names alone", len(out.Customs))
	}
	names := out.Names()
	if names == nil {
		t.Fatal("the names are malformed")
	}
	want := []wasmbin.FunctionName{{Index: 0, Name: "graflow:yield"}, {Index: 1, Name: "outer"}, {Index: 2, Name: "inner"}, {Index: 3, Name: "graflow:memory.grow"}}
	if len(names.Functions) != len(want) {
		t.Fatalf("got %v, want %v", names.Functions, want)
	}
	for i := range want {
		if names.Functions[i] != want[i] {
			t.Errorf("name %d: got %v, want %v", i, names.Functions[i], want[i])
		}
	}
	if len(names.Locals) != 1 || names.Locals[0].Function != 2 || len(names.Rest) != 1 {
		t.Errorf("locals %v and other names %v", names.Locals, names.Rest)
	}
}

// A function without a name is shown by its index in the guest's module.
func TestUnnamedFunctions(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Func("run", "", "", "", "call 1")
	m.Func("", "", "", "", "unreachable")
	_, err := newGuest(t, m.Bytes(), 1<<40, meter.Options{}).ExportedFunction("run").Call(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "\t.$1()\n\t.$0()") {
		t.Errorf("got %v, want a trace of $1 and $0", err)
	}
}

// A malformed name section is no reason to refuse a module.
func TestMalformedNames(t *testing.T) {
	t.Parallel()
	for _, names := range []string{"\x01\xff\xff\xff\xff\x0f", "\x01\x05\xff\xff\xff\xff\x0f", "\x01\x04\x01\x09\x01x", "\x01", "\x01\x07\x02\x00\x01a\x00\x01b", "\x01\x04\x01\x00\x01\xff"} {
		var m asm.Module
		m.Func("run", "", "i", "", "i32.const 3")
		m.Custom("name", []byte(names))
		g := newGuest(t, m.Bytes(), 1<<40, meter.Options{})
		if got := g.call(t, "run")[0]; got != 3 {
			t.Errorf("%q: got %d, want 3", names, got)
		}
	}
}

func TestReservedNames(t *testing.T) {
	t.Parallel()
	var exports, imports asm.Module
	exports.Func("graflow:fuel", "", "", "", "")
	imports.ImportFunc(meter.YieldModule, meter.YieldName, "", "")
	for _, m := range []*asm.Module{&exports, &imports} {
		_, err := rewriteWith(m.Bytes(), meter.Options{})
		var refused *wasmbin.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), `begin with "graflow:"`) {
			t.Errorf("got %v, want a refusal of the name", err)
		}
	}
}

// The guest's own globals can be saved and restored.
func TestGlobals(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Global('i', true, "i32.const 5")
	m.Global('i', false, "i32.const 6")
	m.Global('d', true, "f64.const 2.5")
	m.Func("run", "", "", "", "i32.const 9 global.set 0 f64.const -1 global.set 2")
	result, err := rewriteWith(m.Bytes(), meter.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []meter.HiddenGlobal{{Export: "graflow:global:0", Index: 0, Type: wasmbin.I32}, {Export: "graflow:global:2", Index: 2, Type: wasmbin.F64}}
	if len(result.Globals) != 2 || result.Globals[0] != want[0] || result.Globals[1] != want[1] || result.Unrestorable {
		t.Errorf("got %v, unrestorable %v, want %v", result.Globals, result.Unrestorable, want)
	}
	g := newGuest(t, m.Bytes(), 1<<40, meter.Options{})
	g.call(t, "run")
	if got := g.ExportedGlobal("graflow:global:0").Get(); got != 9 {
		t.Errorf("global 0 is %d, want 9", got)
	}
	if got := api.DecodeF64(g.ExportedGlobal("graflow:global:2").Get()); got != -1 {
		t.Errorf("global 2 is %v, want -1", got)
	}
	m.Global('a', true, "ref.null a")
	if result, err := rewriteWith(m.Bytes(), meter.Options{}); err != nil || !result.Unrestorable {
		t.Errorf("a mutable reference: unrestorable is %v, %v", result.Unrestorable, err)
	}
}

func TestRewriteIsDeterministic(t *testing.T) {
	t.Parallel()
	wasm, err := goPrograms()
	if err != nil {
		t.Fatal(err)
	}
	for _, wasm := range [][]byte{wasm, handPrograms(), deep(), growing(1, 5), bulkMemory()} {
		first, err := rewrite(wasm)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if again, err := rewrite(wasm); err != nil || !bytes.Equal(first, again) {
				t.Fatalf("differs the second time: %v", err)
			}
		}
	}
}
