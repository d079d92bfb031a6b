package script_test

import (
	"context"
	"encoding/json"
	"runtime"
	"sync/atomic"
	"testing"

	handler "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestIsolation runs code that asks for a cell in one, and code that does not in none.
func TestIsolation(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: there are cells on Linux alone")
	}
	var inCells atomic.Int64
	host, err := wasmhost.New(context.WithoutCancel(t.Context()), wasmhost.Config{Cells: wasmhost.CellConfig{
		Kills: -1, Quarantined: func(string) string { inCells.Add(1); return "" }, // it is asked of calls in cells alone
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(context.Background()) }) // it holds memory and processes only
	s, err := script.New(script.Config{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	h, err := handler.New(handler.Config{Sandbox: s})
	if err != nil {
		t.Fatal(err)
	}
	for limits, want := range map[string]bool{``: false, `{"isolation": "process"}`: true} {
		task := code(t, script.JavaScript, "input + 1")
		task.Limits = json.RawMessage(limits)
		if err := h.Check(t.Context(), &task); err != nil {
			t.Fatal(err)
		}
		before := inCells.Load()
		got, err := h.Handle(t.Context(), newCall(task, "1"))
		if err != nil || string(got.Value) != "2" {
			t.Errorf("%s: got %s, %v", limits, got.Value, err)
		}
		if is := inCells.Load() > before; is != want {
			t.Errorf("%s: in a cell: %t, want %t", limits, is, want)
		}
	}
}
