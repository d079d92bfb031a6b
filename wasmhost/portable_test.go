package wasmhost_test

import (
	"errors"
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestPortable tells by what a task dirties that a portable host really copies
// whole memories: it can't know pages, and counts them all.
func TestPortable(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{Portable: true}, growModule)
	for range 3 {
		e, r := failing(t, m, "f")
		if e.Message != "the task returned 4 without a message" {
			t.Errorf("got %q, want a memory of 1+3 pages", e.Message)
		}
		if want := 64 << 10 / systemPage; r.Ledger.PagesDirtied != want {
			t.Errorf("got %d pages dirtied, want all %d of the snapshot", r.Ledger.PagesDirtied, want)
		}
	}
}

var systemPage = os.Getpagesize()

// failing calls a task that fails, for the ledger of it.
func failing(t *testing.T, m *wasmhost.Module, export string) (*wasmhost.TrapError, wasmhost.Result) {
	t.Helper()
	r, err := m.Call(t.Context(), export, nil, options())
	var e *wasmhost.TrapError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *TrapError", err)
	}
	return e, r
}
