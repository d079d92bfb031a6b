package wasmbin_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

const header = "\x00asm\x01\x00\x00\x00"

// function returns a module of one function with these bytes as its code.
func function(code string) []byte {
	var m asm.Module
	m.Memory(1, -1)
	m.Raw(asm.FunctionSection, byte(m.Type("", "")))
	m.Body([]byte("\x00" + code))
	return m.Bytes()
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ wasm, want string }{
		{"", "empty file"},
		{"\x00as", "byte 3: truncated: the file ends within the header"},
		{"\x7fELF", "looks like an ELF executable"},
		{"hello", `looks like text, it begins "hello"`},
		{"\x00asm\x0d\x00\x01\x00", "component-model binary"},
		{"\x00asm\x02\x00\x00\x00", "unknown version 02 00 00 00"},
		{header + "\x0e\x00", "byte 8: malformed section id"},
		{header + "\x0d\x00", "exception handling proposal (a tag section)"},
		{header + "\x01\x09\x00", "truncated: the section has 9 bytes"},
		{header + "\x03\x01\x00\x01\x01\x00", "byte 11 (type section): unexpected section"},
		{header + "\x01\x02\x00\x00", "section size mismatch: 1 bytes"},
		{header + "\x01\xff\xff\xff\xff\x1f", "longer or larger encoding"},
		{header + "\x01\x80\x80\x80\x80\x80\x00", "longer or larger encoding"},
		{header + "\x01\x02\x01\x5f", "garbage collection proposal"},
		{header + "\x01\x02\x01\x5e", "garbage collection proposal"},
		{header + "\x01\x04\x01\x60\x01\x64", "typed function references proposal"},
		{header + "\x01\x04\x01\x60\x01\x69", "exception handling proposal"},
		{header + "\x05\x04\x01\x03\x01\x01", "threads proposal (a shared memory)"},
		{header + "\x05\x03\x01\x04\x01", "memory64 proposal (a 64-bit memory)"},
		{header + "\x05\x05\x02\x00\x01\x00\x01", "multi-memory proposal"},
		{header + "\x05\x05\x01\x00\x81\x80\x04", "memory size must be at most 65536 pages"},
		{header + "\x05\x04\x01\x01\x02\x01", "size minimum must not be greater than maximum"},
		{header + "\x02\x07\x01\x01\xff\x01n\x00\x00", "module of an import is not valid UTF-8"},
		{header + "\x03\x02\x01\x00", "unknown type 0: there are 0"},
		{header + "\x07\x05\x01\x01f\x00\x00", "unknown function 0"},
		{header + "\x0c\x01\x01", "announces 1 segments, there are 0"},
		{string(function("\xfe\x03\x00\x0b")), "threads proposal (atomic instruction 0xfe 0x03)"},
		{string(function("\xfb\x01\x0b")), "garbage collection proposal"},
		{string(function("\xfd\x80\x02\x0b")), "relaxed SIMD proposal"},
		{string(function("\x06\x40\x0b\x0b")), "exception handling proposal (try)"},
		{string(function("\x08\x00\x0b")), "exception handling proposal (throw)"},
		{string(function("\x14\x00\x0b")), "typed function references proposal"},
		{string(function("\xff\x0b")), "illegal opcode: 0xff"},
		{string(function("\xfc\x12\x0b")), "illegal opcode: 0xfc 0x12"},
		{string(function("\x01")), "END opcode expected, 1 blocks are open"},
		{string(function("\x0b\x01")), "1 bytes behind its end"},
		{string(function("\x05\x0b")), "else without if"},
		{string(function("\x10\x01\x0b")), "call: unknown function 1: there are 1"},
		{string(function("\x20\x00\x0b")), "local.get: unknown local 0"},
		{string(function("\x23\x00\x0b")), "global.get: unknown global 0"},
		{string(function("\x0c\x01\x0b")), "br: unknown label 1"},
		{string(function("\x11\x00\x00\x0b")), "call_indirect: unknown table 0"},
		{string(function("\x11\x01\x00\x0b")), "call_indirect: unknown type 1"},
		{string(function("\x02\x01\x0b\x0b")), "block: unknown type 1"},
		{string(function("\x41\x00\x28\x03\x00\x1a\x0b")), "alignment of i32.load must not be larger than natural"},
		{string(function("\x41\x00\x28\x42\x00\x00\x1a\x0b")), "multi-memory proposal"},
		{string(function("\x3f\x01\x1a\x0b")), "memory.size: the byte after it must be zero"},
		{string(function("\xfc\x09\x00\x0b")), "data count section required"},
		{string(function("\x41\xff\xff\xff\xff\x4f\x1a\x0b")), "signed 32-bit number"},
	} {
		_, err := wasmbin.Parse([]byte(test.wasm), wasmbin.Limits{})
		var refused *wasmbin.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.wasm, err, test.want)
		}
	}
}

func TestValidateRefusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"i32.const 1":                                   "1 operands are left at the end of a block",
		"drop":                                          "function 0, drop: type mismatch: an operand is missing",
		"i64.const 1 i32.eqz drop":                      "type mismatch: i64 where i32 is expected",
		"i32.const 1 if i i32.const 2 end drop":         "an if without else",
		"ref.func 0 drop":                               "undeclared function reference",
		"i32.const 1 global.set 0":                      "global is immutable",
		"i32.const 0 ref.null e table.set 0":            "type mismatch: externref where funcref is expected",
		"unreachable i64.const 1 i32.add drop":          "type mismatch: i64 where i32 is expected",
		"block i i64.const 1 br 0 end drop":             "type mismatch: i64 where i32 is expected",
		"ref.null a ref.null a i32.const 1 select drop": "references need a select with a type",
	} {
		var m asm.Module
		m.Table('a', 1, -1)
		m.Global('i', false, "i32.const 1")
		m.Func("", "", "", "", code)
		if err := accept(m.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", code, err, want)
		}
	}
}

func TestMaxStack(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]uint32{
		"nop": 0,
		"i32.const 1 i32.const 2 i32.add i32.const 3 i32.add drop":          2,
		"v128.const 1 2 i32.const 1 drop drop":                              3,
		"i32.const 1 block 1 i64.const 3 v128.const 1 1 end drop drop drop": 4,
		"unreachable i32.add drop":                                          1,
	} {
		var m asm.Module
		m.Type("", "")
		m.Type("", "lv")
		m.Func("", "", "", "", code)
		parsed, err := wasmbin.Parse(m.Bytes(), wasmbin.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Validate(); err != nil || parsed.MaxStack[0] != want {
			t.Errorf("%s: got %v, %v, want %d", code, parsed.MaxStack, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.Memory(3, -1)
	m.Table('a', 5, -1)
	m.Table('a', 5, -1)
	m.Global('i', true, "i32.const 0")
	m.Global('i', true, "i32.const 0")
	m.Func("a", "ii", "ii", "iii", "loop _ loop _ end end block _ block _ i32.const 0 br_table 3 0 1 0 1 end end local.get 0 local.get 1")
	m.Func("b", "", "", "ii", "")
	m.PassiveElements(0, 1, 0)
	m.PassiveElements(0)
	m.PassiveData("a")
	m.PassiveData("b")
	m.Custom("x", nil)
	m.Custom("y", nil)
	wasm := m.Bytes()
	if _, err := wasmbin.Parse(wasm, wasmbin.Limits{}); err != nil {
		t.Fatal(err)
	}
	for want, limits := range map[string]wasmbin.Limits{
		"the module has":            {ModuleBytes: 20},
		"2 types: at most 1":        {Types: 1},
		"2 parameters: at most 1":   {Params: 1},
		"2 results: at most 1":      {Results: 1},
		"2 functions: at most 1":    {Functions: 1},
		"2 tables: at most 1":       {Tables: 1},
		"tables of 10 elements":     {TableElements: 9},
		"a memory of 3 pages":       {MemoryPages: 2},
		"2 globals: at most 1":      {Globals: 1},
		"1 mutable globals":         {MutableGlobals: 1},
		"3 exports: at most 1":      {Exports: 1},
		"6 pairs: at most 5":        {ExportPairs: 5},
		"2 element segments":        {Elements: 1},
		"elements: at most":         {SegmentItems: 3},
		"2 data segments":           {DataSegments: 1},
		"function 0 has 4":          {Locals: 3},
		"all functions together":    {AllLocals: 4},
		"bytes of a function body":  {BodyBytes: 5},
		"more than 1 nested blocks": {Nesting: 1},
		"more than 1 nested loops":  {LoopNesting: 1},
		"3 branch targets":          {BranchTargets: 2},
		"more than 1 custom":        {CustomSections: 1},
	} {
		if _, err := wasmbin.Parse(wasm, limits); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %s", limits, err, want)
		}
	}
}

// Modules that announce more than they hold do not make the parser allocate
// it, and what it accepts takes memory in proportion to the module.
func TestBombs(t *testing.T) {
	t.Parallel()
	const huge = "\xff\xff\xff\xff\x0f"
	bombs := map[string]string{"locals": string(function("\x0b"))}
	for id := 1; id <= 12; id++ {
		bombs[fmt.Sprintf("section %d", id)] = fmt.Sprintf("%s%c\x05%s", header, id, huge)
	}
	bombs["locals"] = header + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0a\x01\x08\x01" + huge + "\x7f\x0b"
	bombs["locals, twice"] = header + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x10\x01\x0e\x02" + huge + "\x7f" + huge + "\x7e\x0b"
	bombs["table"] = header + "\x04\x08\x01\x70\x00" + huge
	bombs["br_table"] = string(function("\x41\x00\x0e" + huge + "\x0b"))
	bombs["select"] = string(function("\x1c" + huge + "\x0b"))
	bombs["params"] = header + "\x01\x07\x01\x60" + huge
	bombs["nesting"] = string(function(strings.Repeat("\x02\x40", 100_000) + strings.Repeat("\x0b", 100_001)))
	for name, wasm := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := accept([]byte(wasm))
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("%s: %d bytes were allocated for %d", name, n, len(wasm))
		}
	}
}

// Types with many values in many branches would take time without end.
func TestMovesAreLimited(t *testing.T) {
	t.Parallel()
	var m asm.Module
	many := strings.Repeat("i", 1000)
	m.Type("", many)
	m.Func("", "", "", "", strings.Repeat("call 1 ", 500)+"unreachable")
	m.Func("", "", many, "", "unreachable")
	if err := accept(m.Bytes()); err != nil {
		t.Errorf("half a million values: %v", err)
	}
	var bomb asm.Module
	bomb.Type("", many)
	bomb.Func("", "", many, "", "unreachable call 0 "+strings.Repeat("i32.const 1 br_if 0 ", 100_000)+"unreachable")
	if err := accept(bomb.Bytes()); err == nil || !strings.Contains(err.Error(), "too many values are moved") {
		t.Errorf("a hundred million values: got %v", err)
	}
}

// The decoder passes over all the code of a module without failing.
func TestDecoder(t *testing.T) {
	t.Parallel()
	m, err := wasmbin.Parse(function("\x41\x05\x0e\x02\x00\x00\x00\x0b"), wasmbin.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	d := wasmbin.NewDecoder(&m.Bodies[0])
	var got bytes.Buffer
	for d.Next() {
		fmt.Fprintf(&got, "%v %d-%d;", d.Op, d.Start, d.End)
		if d.Op == wasmbin.OpBrTable {
			for depth := range d.Targets {
				fmt.Fprintf(&got, "%d,", depth)
			}
		}
	}
	if want := "i32.const 0-2;br_table 2-7;0,0,0,end 7-8;"; got.String() != want || d.Err() != nil {
		t.Errorf("got %s, %v, want %s", &got, d.Err(), want)
	}
}
