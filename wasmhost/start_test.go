package wasmhost_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

const wasi = "wasi_snapshot_preview1"

// TestExitWhileStarting has guests exit well before their task began: that is
// no success, and no crash of the host.
func TestExitWhileStarting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, export, from string }{
		{"a command's start function", "_start", "start"},
		{"a reactor's start function", "f", "start"},
		{"a plug-in's start function", "g", "start"},
		{"a reactor's _initialize", "f", "_initialize"},
		{"a plug-in's _initialize", "g", "_initialize"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var m asm.Module
			exit := m.ImportFunc(wasi, "proc_exit", "i", "")
			_ = exit
			if c.export == "g" {
				m.ImportFunc("extism:host/env", "input_length", "", "l")
			}
			name := ""
			if c.from == "_initialize" {
				name = c.from
			}
			early := m.Func(name, "", "", "", "i32.const 0 call 0")
			if c.from == "start" {
				m.Start(early)
			}
			if c.export == "_start" {
				m.Func(c.export, "", "", "", "")
			} else {
				m.Func(c.export, "", "i", "", "i32.const 0")
			}
			module := compile(t, m.Bytes())
			for range 2 {
				e := trap(t, module, c.export, "", wasmhost.KindExit, options())
				if !strings.Contains(e.Message, "initialization: exit code 0") {
					t.Errorf("got %q", e.Message)
				}
			}
		})
	}
}

// TestStartFunctionIsNotTheCalls runs calls at once in a module whose start
// function takes more than they are given: it belongs to the initialization,
// whichever sandbox a call gets.
func TestStartFunctionIsNotTheCalls(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.ImportFunc(wasi, "random_get", "ii", "i")
	m.ImportFunc(wasi, "fd_write", "iiii", "i")
	m.ImportFunc("graflow_v1", "output_write", "ii", "i")
	m.Memory(1, 1)
	m.Data(16, "\x20\x00\x00\x00\x06\x00\x00\x00")
	m.Data(32, "start\n")
	m.Start(m.Func("", "", "", "i", `
		i32.const 1000 local.set 0
		loop _ i32.const 64 i32.const 8 call 0 drop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end
		i32.const 2 i32.const 16 i32.const 1 i32.const 24 call 1 drop`))
	m.Func("f", "", "i", "", `
		i32.const 64 i32.const 1 call 0 drop
		i32.const 64 i32.const 64 i32.load8_u 0 i32.const 9 i32.rem_u i32.const 49 i32.add i32.store8 0
		i32.const 64 i32.const 1 call 2 drop i32.const 0`)
	var first wasmhost.Result
	for i := range 4 {
		idle := int64(0)
		if i%2 > 0 {
			idle = -1 // each call has a new sandbox
		}
		module := hostWith(t, wasmhost.Config{IdleBytes: idle}, m.Bytes())
		if err := module.Prewarm(t.Context(), 1, deterministic()); err != nil {
			t.Fatal(err)
		}
		lines := 0
		opt := deterministic()
		opt.Limits.Fuel, opt.Limits.HostCalls = 1000, 10
		opt.Services.Log = func(slog.Level, string) { lines++ }
		r := call(t, module, "f", "", opt)
		if first.Output == nil {
			first = r
		}
		if string(r.Output) != string(first.Output) || r.Ledger.Fuel != first.Ledger.Fuel || r.Ledger.HostCalls["random_get"] != 1 || lines != 0 {
			t.Errorf("got %s with %+v and %d lines, the first time %s", r.Output, r.Ledger, lines, first.Output)
		}
	}
}

// TestCommandStartWrites keeps what the start function of a command wrote.
func TestCommandStartWrites(t *testing.T) {
	t.Parallel()
	var m asm.Module
	m.ImportFunc(wasi, "fd_write", "iiii", "i")
	m.Memory(1, 1)
	m.Data(16, "\x20\x00\x00\x00\x06\x00\x00\x00")
	m.Data(32, "start ")
	write := "i32.const 1 i32.const 16 i32.const 1 i32.const 24 call 0 drop"
	m.Start(m.Func("", "", "", "", write))
	m.Func("_start", "", "", "", write)
	module := compile(t, m.Bytes())
	for range 3 {
		if got := string(call(t, module, "_start", "", options()).Output); got != `"start start "` {
			t.Errorf("got %s", got)
		}
	}
}

// TestReexports exports functions of the host, which are no tasks.
func TestReexports(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"graflow_v1", "input_len", "i"}, {wasi, "sched_yield", "i"}, {"extism:host/env", "get_log_level", "i"},
	} {
		var m asm.Module
		m.Export("task", 0, m.ImportFunc(c[0], c[1], "", c[2]))
		m.Memory(1, 1)
		m.Func("own", "", "i", "", "i32.const 0")
		module := compile(t, m.Bytes())
		if got := module.Describe().Tasks; len(got) != 1 || got[0].Name != "own" {
			t.Errorf("%s: got %v, want its own task", c[1], got)
		}
		_ = trap(t, module, "task", "", wasmhost.KindNoExport, options())
	}
}
