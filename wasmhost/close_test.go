package wasmhost_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// ending is a module whose tasks end in different ways; shape 3 of five never
// gets through its initialization.
func ending() []byte {
	var m asm.Module
	m.ImportFunc(wasi, "args_sizes_get", "ii", "i")
	m.ImportFunc(wasi, "proc_exit", "i", "")
	m.Memory(1, 4)
	m.Table('a', 1, 9)
	m.Func("_initialize", "", "", "", `
		i32.const 0 i32.const 4 call 0 drop
		i32.const 4 i32.load 0 i32.const 4 i32.eq if _ loop _ br 0 end end
		i32.const 65532 i32.const 9 i32.store 0`)
	m.Func("well", "", "i", "", "i32.const 1 memory.grow drop i32.const 65532 i32.load 0 i32.const 9 i32.ne i32.const 65532 i32.const 8 i32.store 0")
	m.Func("exit", "", "i", "", "i32.const 65532 i32.const 7 i32.store 0 i32.const 3 call 1 i32.const 0")
	m.Func("trap", "", "i", "", "i32.const 65532 i32.const 6 i32.store 0 unreachable")
	m.Func("table", "", "i", "", "ref.null a i32.const 2 table.grow 0 drop table.size 0 i32.const 3 i32.ne")
	m.Func("loop", "", "i", "", "loop _ br 0 end i32.const 0")
	m.Func("deep", "", "i", "", "call 7 i32.const 1 i32.add")
	return m.Bytes()
}

// TestCloseWhileCalling closes modules and at last the host while calls of all
// kinds run, initializations among them.
func TestCloseWhileCalling(t *testing.T) {
	t.Parallel()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{IdleBytes: 200 << 10})
	if err != nil {
		t.Fatal(err)
	}
	wasm := ending()
	kinds := map[string][]string{
		"well": {""}, "table": {""}, "exit": {wasmhost.KindExit}, "trap": {wasmhost.KindTrap},
		"loop": {wasmhost.KindTimeout}, "deep": {wasmhost.KindStack},
	}
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() {
			for n := 0; ; n++ {
				m, err := h.Compile(t.Context(), wasm)
				if errors.Is(err, wasmhost.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				for export, want := range kinds {
					opt := wasmhost.Options{Name: fmt.Sprintf("%0*d", 1+(i+n)%5, 0), Limits: wasmhost.Limits{Timeout: 3 * time.Millisecond, Stack: 64 << 10}}
					_, err := m.Call(t.Context(), export, nil, opt)
					var e *wasmhost.TrapError
					kind := ""
					if errors.As(err, &e) {
						kind = e.Kind
					}
					if !errors.Is(err, wasmhost.ErrClosed) && kind != wasmhost.KindTimeout && !slices.Contains(want, kind) {
						t.Errorf("%s: got %v, want %q", export, err, want)
					}
				}
			}
		})
	}
	for range 20 {
		m, err := h.Compile(t.Context(), wasm)
		if err != nil {
			t.Fatal(err)
		}
		_ = m.Prewarm(t.Context(), 2, wasmhost.Options{Limits: wasmhost.Limits{Timeout: time.Second}})
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	callers.Wait()
}
