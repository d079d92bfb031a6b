package wasmhost_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// TestVirtualClockNeverGoesBack reads the clock in all that runs before a task,
// with a snapshot and without one.
func TestVirtualClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	spin := "i32.const 100000 local.set 0 loop _ local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end "
	read := spin + `i32.const 1 i64.const 1 i32.const 8 call 0 drop
		i32.const 8 i64.load 0 global.get 0 i64.lt_u if _ unreachable end
		i32.const 8 i64.load 0 global.set 0 `
	for _, fresh := range []string{"", "drop", "start"} {
		var m asm.Module
		m.ImportFunc(wasi, "clock_time_get", "ili", "i")
		m.Memory(1, 1)
		m.Global('l', true, "i64.const 0")
		before := ""
		if fresh == "drop" {
			m.PassiveData("x")
			before = "data.drop 0 "
		}
		if fresh == "start" {
			m.Start(m.Func("", "", "", "i", read))
		}
		m.Func("_initialize", "", "", "i", before+spin+read)
		m.Func("graflow_warmup", "", "", "i", read)
		m.Func("f", "", "i", "i", read[len(spin):]+"i32.const 0")
		module := compile(t, m.Bytes())
		opt := options()
		opt.Grants.Clock = wasmhost.ClockVirtual
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := module.Call(t.Context(), "f", nil, opt); err != nil {
					t.Errorf("%q: %v", fresh, err)
				}
			})
		}
		all.Wait()
	}
}

// TestTableLimitOverAll grows a table at every opportunity by what is allowed once.
func TestTableLimitOverAll(t *testing.T) {
	t.Parallel()
	grow := "ref.null a i32.const 90 table.grow 0 drop "
	var m asm.Module
	m.Table('a', 10, -1)
	m.Start(m.Func("", "", "", "", grow))
	m.Func("_initialize", "", "", "", grow)
	m.Func("f", "", "i", "", grow+"table.size 0")
	opt := options()
	opt.Limits.TableElements = 100
	e := trap(t, compile(t, m.Bytes()), "f", "", wasmhost.KindError, opt)
	if !strings.Contains(e.Message, "returned 100 ") {
		t.Errorf("got %q, want 100 elements", e.Message)
	}
	opt.Limits.TableElements = 1 << 32 // more than a number of elements can be
	if e := trap(t, compile(t, m.Bytes()), "f", "", wasmhost.KindError, opt); !strings.Contains(e.Message, "returned 280 ") {
		t.Errorf("got %q, want all that it grew", e.Message)
	}
}

// A module whose _initialize grows and fills as much memory as it is given, and
// whose f answers with the size of it in pages.
func hungryModule() []byte {
	var m asm.Module
	m.Memory(1, -1)
	m.Func("_initialize", "", "", "", `
		loop _
			i32.const 16 memory.grow i32.const -1 i32.ne br_if 0
		end`)
	m.Func("f", "", "i", "", "memory.size")
	return m.Bytes()
}

// TestMemoryLimitWhileInitializing holds an initialization to the limit of the
// call that needs it, and lets a call with a greater limit have more.
func TestMemoryLimitWhileInitializing(t *testing.T) {
	t.Parallel()
	module := hostWith(t, wasmhost.Config{MemoryBytes: 64 << 20}, hungryModule())
	for _, limit := range []struct{ memory, pages string }{{"1", "17"}, {"2", "33"}, {"1", "17"}, {"2", "33"}} {
		opt := options()
		opt.Limits.Memory = 17 << 16
		if limit.memory == "2" {
			opt.Limits.Memory = 33<<16 + 5
		}
		if e := trap(t, module, "f", "", wasmhost.KindError, opt); !strings.Contains(e.Message, "returned "+limit.pages+" ") {
			t.Errorf("limit of %d bytes: got %q, want %s pages", opt.Limits.Memory, e.Message, limit.pages)
		}
	}
}

// TestInitializationNeedsItsOwn has an initialization fail without what only the
// call has: then the call itself initializes the module.
func TestInitializationNeedsItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]string{
		"input": "call 0 i32.const 7 i32.ne if _ unreachable end",
		"file":  "i32.const 3 i32.const 0 i32.const 16 i32.const 1 i32.const 0 i64.const 2 i64.const 0 i32.const 0 i32.const 24 call 1 if _ unreachable end",
	} {
		var m asm.Module
		m.ImportFunc("graflow_v1", "input_len", "", "i")
		m.ImportFunc(wasi, "path_open", "iiiiillii", "i")
		m.Memory(1, 1)
		m.Data(16, "x")
		m.Func("_initialize", "", "", "", check)
		m.Func("f", "", "i", "", "i32.const 0")
		module := compile(t, m.Bytes())
		opt := options()
		opt.Grants.Mounts = []wasmhost.Mount{{Host: dir, Guest: "/data"}}
		for range 2 {
			if _, err := module.Call(t.Context(), "f", []byte(`"seven"`), opt); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		e := trap(t, module, "f", `1`, wasmhost.KindTrap, options())
		if e.Message != "unreachable" {
			t.Errorf("%s: without it: got %q", name, e.Message)
		}
		if why := module.Describe().WhyNot; !strings.Contains(why, "its initialization calls ") {
			t.Errorf("%s: got %q", name, why)
		}
	}
}
