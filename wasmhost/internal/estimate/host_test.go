package estimate_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestHostRefuses compiles in a program that has not called wasmhost.Child, as
// this one: the host asks for the estimate first.
func TestHostRefuses(t *testing.T) {
	t.Parallel()
	m := &module{}
	m.Func("task", "", "i", "", "i32.const 0")
	m.add(0, repeat(20_000, block, get(0), brIf(0), end))
	h, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	_, err = h.Compile(t.Context(), m.Bytes())
	var bad *wasmhost.ModuleError
	if !errors.As(err, &bad) || bad.Section != "code" || !strings.Contains(bad.Reason, "would take too long to compile") {
		t.Errorf("got %v, want a *ModuleError about the time", err)
	}
}
