package wasmhost_test

import (
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
