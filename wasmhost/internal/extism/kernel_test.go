package extism_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// kernel calls functions by name, as a plug-in would.
type kernel struct {
	t     testing.TB
	state *extism.State
}

func newKernel(tb testing.TB, config extism.Config) kernel {
	tb.Helper()
	return kernel{t: tb, state: extism.New(config)}
}

var functions = func() map[string]extism.Function {
	all := make(map[string]extism.Function)
	for _, f := range extism.Functions() {
		all[f.Name] = f
	}
	return all
}()

// do calls a function that must not trap, and answers with its result.
func (k kernel) do(name string, args ...uint64) uint64 {
	k.t.Helper()
	result, trap := k.try(name, args...)
	if trap != nil {
		k.t.Fatalf("%s%v: %v", name, args, trap)
	}
	return result
}

func (k kernel) try(name string, args ...uint64) (result uint64, trap *extism.Trap) {
	k.t.Helper()
	f, found := functions[name]
	if !found || len(args) != len(f.Params) {
		k.t.Fatalf("no function %s with %d parameters", name, len(args))
	}
	defer func() {
		if thrown := recover(); thrown != nil {
			trap = thrown.(*extism.Trap) // anything else is a bug
		}
	}()
	stack := make([]uint64, max(len(f.Params), len(f.Results)))
	copy(stack, args)
	f.Run(k.t.Context(), k.state, stack)
	if len(f.Results) == 0 {
		return 0, nil
	}
	return stack[0], nil
}

// put makes a block of text.
func (k kernel) put(text string) uint64 {
	k.t.Helper()
	offset := k.do("alloc", uint64(len(text)))
	for i := range len(text) {
		k.do("store_u8", offset+uint64(i), uint64(text[i]))
	}
	return offset
}

func (k kernel) read(offset uint64) string {
	k.t.Helper()
	text := make([]byte, k.do("length", offset))
	for i := range text {
		text[i] = byte(k.do("load_u8", offset+uint64(i)))
	}
	return string(text)
}

func TestFunctionsAreThoseOfTheKernel(t *testing.T) {
	t.Parallel()
	if len(functions) != 32 || len(extism.Functions()) != 32 {
		t.Errorf("%d functions, want 32 of different names", len(functions))
	}
	f := functions["store_u8"]
	if !slices.Equal(f.Params, []api.ValueType{api.ValueTypeI64, api.ValueTypeI32}) || f.Results != nil {
		t.Errorf("store_u8 has type %v %v", f.Params, f.Results)
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{})
	a, b := k.do("alloc", 100), k.do("alloc", 5000)
	if a == 0 || b < a+100 || k.do("alloc", 0) != 0 {
		t.Errorf("blocks at %d and %d", a, b)
	}
	k.do("store_u64", a+92, 0x1122334455667788)
	if got := k.do("load_u64", a+92); got != 0x1122334455667788 {
		t.Errorf("loaded %x", got)
	}
	if got := k.do("load_u8", a+93); got != 0x77 {
		t.Errorf("loaded %x, want the second byte, little-endian", got)
	}
	if k.do("length", a) != 100 || k.do("length_unsafe", b) != 5000 || k.do("length", a+1) != 0 || k.do("length", 0) != 0 {
		t.Error("lengths are wrong")
	}
	k.do("free", a)
	k.do("free", a) // twice is of no effect, as is a free of nothing
	k.do("free", 12345)
	if k.do("length", a) != 0 {
		t.Error("a freed block has a length")
	}
	c, d := k.do("alloc", 97), k.do("alloc", 97)
	if c != a || d == a || k.do("length", c) != 97 {
		t.Errorf("blocks of 97 bytes at %d and %d, want the first in the freed one at %d", c, d, a)
	}
}

func TestLoadsAndStoresTrap(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{Input: []byte("input")})
	end := k.do("memory_bytes")
	for _, call := range []struct {
		name string
		args []uint64
	}{
		{"load_u8", []uint64{0}},
		{"load_u8", []uint64{63}},
		{"load_u8", []uint64{end}},
		{"load_u8", []uint64{math.MaxUint64}},
		{"load_u64", []uint64{end - 7}},
		{"load_u64", []uint64{math.MaxUint64 - 3}},
		{"store_u8", []uint64{0, 1}},
		{"store_u64", []uint64{end - 7, 1}},
		{"input_load_u8", []uint64{5}},
		{"input_load_u8", []uint64{math.MaxUint64}},
		{"input_load_u64", []uint64{5}},
		{"output_set", []uint64{end - 1, 2}},
		{"output_set", []uint64{math.MaxUint64, 1}},
		{"input_set", []uint64{0, 1}},
	} {
		if _, trap := k.try(call.name, call.args...); trap == nil {
			t.Errorf("%s%v did not trap", call.name, call.args)
		}
	}
	k.do("load_u64", end-8)
}

func TestInputAndOutput(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{Input: []byte("0123456789"), MaxOutput: 8})
	if k.do("input_length") != 10 || k.read(k.do("input_offset")) != "0123456789" {
		t.Error("the input is not at its offset")
	}
	if k.do("input_load_u8", 9) != '9' || k.do("input_load_u64", 1) != binary.LittleEndian.Uint64([]byte("12345678")) {
		t.Error("the input loads wrongly")
	}
	offset := k.put("output")
	k.do("output_set", offset, 6)
	k.do("store_u8", offset, 'O') // after output_set: the original reads the output at the end
	if got := string(k.state.Output()); got != "Output" || k.do("output_length") != 6 || k.do("output_offset") != offset {
		t.Errorf("output %q", got)
	}
	_, trap := k.try("output_set", offset, 9)
	if !errors.Is(trap, abi.TooLarge) {
		t.Errorf("a large output: %v", trap)
	}
	k.do("output_set", 0, 0)
	if k.state.Output() != nil {
		t.Errorf("output %q, want none", k.state.Output())
	}
	k.do("input_set", offset, 3)
	if k.do("input_length") != 3 || k.do("input_load_u8", 0) != 'O' {
		t.Error("input_set did not set")
	}
	k.do("free", offset)
	if k.do("input_length") != 0 {
		t.Error("the input outlived its block")
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{})
	offset := k.put("bad \xff luck")
	k.do("error_set", offset)
	if got := k.state.Err(); got != "bad � luck" || k.do("error_get") != offset {
		t.Errorf("error %q", got)
	}
	k.do("error_set", 0)
	if got := k.state.Err(); got != "" {
		t.Errorf("error %q after it was taken back", got)
	}
	k.do("error_set", k.put(strings.Repeat("e", 100_000)))
	if got := len(k.state.Err()); got != 64<<10 {
		t.Errorf("error of %d bytes, want 64 KiB", got)
	}
}

func TestAllocBombsEnd(t *testing.T) {
	t.Parallel()
	for _, size := range []uint64{1, 16, 1000, 1 << 20, 1 << 40, math.MaxUint64} {
		k := newKernel(t, extism.Config{KernelBytes: 1 << 20})
		var trap *extism.Trap
		blocks := 0
		for ; trap == nil && blocks < 1<<20; blocks++ {
			_, trap = k.try("alloc", size)
		}
		if !errors.Is(trap, abi.TooLarge) {
			t.Errorf("%d blocks of %d bytes: %v, want abi.TooLarge", blocks, size, trap)
		}
		if blocks > 8000 {
			t.Errorf("%d blocks of %d bytes: their table is not counted", blocks, size)
		}
		if got := k.do("memory_bytes"); got > 1<<20+128<<10 {
			t.Errorf("blocks of %d bytes: memory of %d bytes", size, got)
		}
	}
	k := newKernel(t, extism.Config{KernelBytes: 1 << 20})
	for range 10_000 { // 6 GB, one after the other
		k.do("free", k.do("alloc", 600_000))
	}
}

func TestInputIsNotCounted(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 63, 64, 65, 65535, 65536, 1 << 20, 1<<20 + 1} {
		k := newKernel(t, extism.Config{Input: bytes.Repeat([]byte("i"), size), KernelBytes: 1})
		if got := k.do("input_length"); got != uint64(size) {
			t.Errorf("input of %d bytes, want %d", got, size)
		}
		k = newKernel(t, extism.Config{Input: bytes.Repeat([]byte("i"), size), KernelBytes: 4 << 10})
		k.do("alloc", 3<<10)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{Input: []byte("input"), KernelBytes: 1 << 20})
	offset := k.put("secret")
	k.do("error_set", offset)
	k.do("output_set", offset, 6)
	k.do("reset")
	if k.do("length", offset) != 0 || k.do("load_u8", offset) != 0 || k.do("input_length") != 0 {
		t.Error("something outlived the reset")
	}
	if k.state.Err() != "" || k.state.Output() != nil {
		t.Errorf("error %q, output %q", k.state.Err(), k.state.Output())
	}
	for range 100 {
		k.do("alloc", 900_000)
		k.do("reset")
	}
}

func TestConfigGet(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{Config: map[string]string{"a": "value", "empty": ""}})
	for name, want := range map[string]string{"a": "value", "empty": "", "none": ""} {
		offset := k.do("config_get", k.put(name))
		if got := k.read(offset); got != want || (offset == 0) != (want == "") {
			t.Errorf("%s is %q at %d, want %q", name, got, offset, want)
		}
	}
	if got := k.do("config_get", 999); got != 0 {
		t.Errorf("no block is a name: %d", got)
	}
}

func TestVars(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{Vars: map[string][]byte{"a": []byte("first")}, VarBytes: 500})
	if got := k.read(k.do("var_get", k.put("a"))); got != "first" {
		t.Errorf("a is %q", got)
	}
	name := k.put("a")
	value := k.do("var_get", name)
	k.do("free", name) // as PDKs do, though the kernel did
	if got := k.read(value); got != "first" {
		t.Errorf("a is %q after its name was freed", got)
	}
	k.do("var_set", k.put("a"), k.put("second"))
	k.do("var_set", k.put("b"), k.put("b"))
	k.do("var_set", k.put("b"), 0)
	if got := k.state.Vars(); len(got) != 1 || string(got["a"]) != "second" {
		t.Errorf("variables %q", got)
	}
	for range 1000 { // the same again takes no more
		k.do("var_set", k.put("c"), k.put(strings.Repeat("c", 300)))
	}
	_, trap := k.try("var_set", k.put("d"), k.put(strings.Repeat("d", 300)))
	if !errors.Is(trap, abi.TooLarge) {
		t.Errorf("too large: %v", trap)
	}
	if got := k.do("var_get", k.put("none")); got != 0 {
		t.Errorf("a variable that is not set is at %d", got)
	}
	none := newKernel(t, extism.Config{VarBytes: -1})
	if _, trap := none.try("var_set", none.put("a"), none.put("a")); trap == nil {
		t.Error("a variable was set although none are granted")
	}
}

// What functions take over they free, or else long calls would run out.
func TestFunctionsFreeTheirArguments(t *testing.T) {
	t.Parallel()
	k := newKernel(t, extism.Config{
		KernelBytes: 128 << 10,
		HTTP: func(context.Context, abi.HTTPRequest) (abi.HTTPResponse, error) {
			return abi.HTTPResponse{Status: 204}, nil
		},
	})
	big := strings.Repeat("b", 1000)
	for range 300 {
		k.do("log_info", k.put(big))
		k.do("var_get", k.put("none"+big))
		k.do("var_set", k.put(big), k.put(big))
		k.do("http_request", k.put(`{"url":"`+big+`"}`), k.put(big))
		k.do("free", k.do("var_get", k.put(big)))
	}
	if k.do("http_status_code") != 204 {
		t.Error("the status is lost")
	}
}

func TestInitializers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		entry   string
		exports map[string]int // and how many parameters
		want    []string
	}{
		{"run", nil, nil},
		{"run", map[string]int{"_initialize": 0, "__wasm_call_ctors": 0}, []string{"_initialize"}},
		{"run", map[string]int{"__wasm_call_ctors": 0, "_start": 0}, []string{"__wasm_call_ctors"}},
		{"run", map[string]int{"hs_init": 2, "_initialize": 0}, []string{"_initialize", "hs_init"}},
		{"run", map[string]int{"hs_init": 2}, []string{"hs_init"}},
		{"run", map[string]int{"hs_init": 1, "_initialize": 1}, nil},
		{"_start", map[string]int{"_initialize": 0}, nil},
		{"_initialize", map[string]int{"_initialize": 0}, nil},
	} {
		var got []string
		for _, call := range extism.Initializers(test.entry, func(export string) (int, bool) {
			n, found := test.exports[export]
			return n, found
		}) {
			got = append(got, call.Export)
			if len(call.Args) != test.exports[call.Export] {
				t.Errorf("%s gets %v", call.Export, call.Args)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s of %v: %v, want %v", test.entry, test.exports, got, test.want)
		}
	}
}
