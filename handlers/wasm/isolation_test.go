package wasm_test

import (
	"context"
	"encoding/json"
	"reflect"
	"runtime"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// asked notes of which modules a host asks whether they are quarantined: those that it
// is about to run in a cell.
type asked struct {
	mu      sync.Mutex // guards what follows
	digests []string
	why     string
}

func (a *asked) quarantined(digest string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.digests = append(a.digests, digest)
	return a.why
}

func (a *asked) take() (digests []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	digests, a.digests = a.digests, nil
	return digests
}

// TestIsolation runs a task that asks for a cell in one, beside others that do not.
func TestIsolation(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: there are cells on Linux alone")
	}
	cells := &asked{}
	host, err := wasmhost.New(context.WithoutCancel(t.Context()), wasmhost.Config{Cells: wasmhost.CellConfig{Kills: -1, Quarantined: cells.quarantined}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(context.Background()) }) // it holds memory and processes only
	tenants := &asked{why: "of ada"}
	h, err := wasm.New(wasm.Config{Host: host, Tenant: tenants.quarantined})
	if err != nil {
		t.Fatal(err)
	}
	plain, isolated := newCall(t, "echo", map[string]any{"x": 1}), newCall(t, "echo", map[string]any{"x": 1})
	isolated.Task.Limits = json.RawMessage(`{"isolation": "process", "memory": "64MiB"}`)
	want, err := h.Handle(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	if got := cells.take(); len(got) != 0 {
		t.Errorf("a task that asks for no cell has one: %q", got)
	}
	if err := h.Check(t.Context(), isolated.Task); err != nil {
		t.Fatal(err)
	}
	got, err := h.Handle(t.Context(), isolated)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Value) != string(want.Value) || !reflect.DeepEqual(got.Effects, want.Effects) {
		t.Errorf("in a cell: got %s, %+v, want %s, %+v", got.Value, got.Effects, want.Value, want.Effects)
	}
	_, digest, err := h.Pin(t.Context(), isolated.Task)
	if in := cells.take(); err != nil || len(in) == 0 || in[0] != digest {
		t.Errorf("a task that asks for a cell has none: %q, %v", in, err)
	}
	if of := tenants.take(); len(of) == 0 || of[0] != digest {
		t.Errorf("nobody was asked whose module it is: %q", of)
	}
	cells.why = "it was bad"
	_, err = h.Handle(t.Context(), isolated)
	if failed := taskError(t, err); failed.Kind != wasmhost.KindQuarantined || !failed.Permanent {
		t.Errorf("quarantined: got %+v", failed)
	}
	if _, err := h.Handle(t.Context(), plain); err != nil {
		t.Errorf("the same module in process: %v", err)
	}
}
