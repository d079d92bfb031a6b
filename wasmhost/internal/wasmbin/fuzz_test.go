package wasmbin_test

import (
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// FuzzParse checks that no input makes the parser panic, that each refusal
// points into the input, and that the code of what is accepted decodes.
func FuzzParse(f *testing.F) {
	var m asm.Module
	m.ImportFunc("m", "f", "i", "l")
	m.Memory(1, 2)
	m.Table('a', 1, 4)
	m.Global('i', true, "i32.const 1")
	m.Func("a", "ilfdv", "i", "iive", "block i local.get 0 i32.const 1 br_table 1 0 0 end if _ loop _ br 0 end end i32.const 1 v128.const 1 2 i8x16.extract_lane_s 3 i32.add")
	m.Func("b", "", "", "", "i32.const 0 i32.const 0 i32.const 1 memory.init 0 data.drop 0 elem.drop 1 ref.func 1 drop f64.const 1 drop i32.const 0 call_indirect 2 0")
	m.Elements(0, 1)
	m.PassiveElements(1)
	m.PassiveData("x")
	m.Custom("name", []byte("\x00\x02\x01m\x01\x04\x01\x01\x01f"))
	f.Add(m.Bytes())
	f.Add([]byte(header))
	f.Add(function("\x41\x05\x0e\x02\x00\x00\x00\x0b"))
	for _, part := range []string{"v2", "tail-call", "threads", "exception-handling"} {
		for _, m := range suite(f, part) {
			f.Add(m.wasm)
		}
	}
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
		if err == nil {
			err = m.Validate()
			_ = m.Names()
			decode(t, m)
		}
		var refused *wasmbin.Error
		if err != nil && (!errors.As(err, &refused) || refused.Offset < 0 || refused.Offset > int64(len(wasm)) || refused.Reason == "") {
			t.Fatalf("refused with %#v", err)
		}
	})
}

func decode(t *testing.T, m *wasmbin.Module) {
	t.Helper()
	for i := range m.Bodies {
		d := wasmbin.NewDecoder(&m.Bodies[i])
		end := 0
		for d.Next() {
			end = d.End
		}
		if d.Err() != nil || end != len(m.Bodies[i].Code) {
			t.Fatalf("body %d: decoded %d bytes of %d: %v", i, end, len(m.Bodies[i].Code), d.Err())
		}
	}
}
