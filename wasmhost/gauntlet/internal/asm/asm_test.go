package asm_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got  []byte
		want string
	}{
		{asm.U32(0), "00"},
		{asm.U32(127), "7f"},
		{asm.U32(128), "80 01"},
		{asm.U32(uint32(0xffffffff)), "ff ff ff ff 0f"},
		{asm.Padded(3, 5), "83 80 80 80 00"},
		{asm.Padded(0xffffffff, 6), "ff ff ff ff 8f 00"},
		{asm.S64(63), "3f"},
		{asm.S64(64), "c0 00"},
		{asm.S64(-1), "7f"},
		{asm.S64(-65), "bf 7f"},
		{asm.I32(uint32(0xffffffff)), "41 7f"},
		{asm.I32(-2), "41 7e"},
		{asm.Name("ab"), "02 61 62"},
		{asm.Locals("iiI"), "02 02 7f 01 7e"},
		{asm.Limits(1, asm.None), "00 01"},
		{asm.Limits(1, 200), "01 01 c8 01"},
		{asm.FuncType("iI", "F"), "60 02 7f 7e 01 7c"},
		{asm.Section(asm.SecStart, asm.U32(5)), "08 01 05"},
	} {
		if got := fmt.Sprintf("% x", test.got); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// TestModule lets a real engine run what the assembler wrote: every part of a
// module at once, with a result that depends on each.
func TestModule(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	_, err := runtime.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { stack[0] *= 2 }), types("i"), types("i")).Export("twice").
		Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := &asm.Module{}
	twice := m.Import("env", "twice", "i", "i")
	seven := m.Func("", "i", "", asm.I32(7))
	setGlobal := m.Func("", "", "", asm.I32(100), asm.GlobalSet(0))
	m.Memory(1, 2)
	m.Table(4, 4)
	m.Global("i", asm.I32(1))
	m.Elements(1, seven)
	passive := m.PassiveElements(seven, seven)
	m.Data(8, []byte{30, 0, 0, 0})
	late := m.PassiveData([]byte{5, 0, 0, 0})
	m.Start(setGlobal)
	m.Custom("note", []byte("hello"))
	count := asm.Seq( // local 0 counts to 10
		asm.Loop(asm.Get(0), asm.I32(1), asm.I32Add, asm.Tee(0), asm.I32(10), asm.I32LtU, asm.BrIf(0)))
	m.Export("sum", m.Func("", "i", "i",
		count, asm.Get(0), // 10
		asm.I32(1), asm.CallIndirect(m.Type("", "i")), asm.I32Add, // 17
		asm.I32(0), asm.Load32(8), asm.I32Add, // 47
		asm.I32(100), asm.I32(0), asm.I32(4), asm.MemoryInit(late),
		asm.I32(96), asm.Load32(4), asm.I32Add, // 52
		asm.GlobalGet(0), asm.I32Add, // 152
		asm.I32(2), asm.I32(0), asm.I32(2), asm.TableInit(passive, 0),
		asm.I32(3), asm.CallIndirect(m.Type("", "i")), asm.I32Add, // 159
		asm.Call(twice), // 318
	))
	instance, err := runtime.Instantiate(ctx, m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	results, err := instance.ExportedFunction("sum").Call(ctx)
	if err != nil || results[0] != 318 {
		t.Errorf("got %v, %v, want 318", results, err)
	}
	if instance.Memory() == nil || instance.ExportedMemory("memory") == nil {
		t.Error("the memory is not exported")
	}
	if !bytes.Equal(m.Bytes(), asm.Binary(m.Sections()...)) || !bytes.Equal(m.Bytes(), m.Bytes()) {
		t.Error("two encodings differ")
	}
}

func types(letters string) []api.ValueType { return asm.Types(letters) }
