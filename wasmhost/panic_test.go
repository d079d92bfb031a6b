package wasmhost_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// TestLogServicePanics has a log service panic over lines that are passed on at
// different times: within a call of the host, and when the guest has ended.
func TestLogServicePanics(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"i32.const 0", "unreachable", "i32.const 0 call 1 i32.const 0"} {
		for _, line := range []string{"line\n", "par\nt", "part"} {
			var m asm.Module
			m.ImportFunc(wasi, "fd_write", "iiii", "i")
			m.ImportFunc(wasi, "proc_exit", "i", "")
			m.Memory(1, 1)
			m.Data(16, "\x20\x00\x00\x00"+string(rune(len(line)))+"\x00\x00\x00")
			m.Data(32, line)
			m.Func("f", "", "i", "", "i32.const 2 i32.const 16 i32.const 1 i32.const 24 call 0 drop "+end)
			opt := options()
			opt.Services.Log = func(slog.Level, string) { panic("no disk for logs") }
			e := trap(t, compile(t, m.Bytes()), "f", "", wasmhost.KindTrap, opt)
			if !strings.Contains(e.Message, "panicked: no disk for logs") {
				t.Errorf("%q, %s: got %q", line, end, e.Message)
			}
		}
	}
}
