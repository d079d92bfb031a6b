package wasmhost

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// noted is a module that has all of which an admission takes notes.
func noted() []byte {
	var m asm.Module
	m.Memory(2, 9)
	m.Func("graflow_describe", "", "i", "", "i32.const 0")
	m.Func("task", "", "i", "", "i32.const 0")
	m.Func("_initialize", "", "", "", "")
	return m.Bytes()
}

// admitted compiles a module on a host of its own, which lives until the end of the test.
func admitted(t *testing.T, dir string, wasm []byte) *Module {
	t.Helper()
	h, err := New(t.Context(), Config{CacheDir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	m, err := h.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// facts are the fields of a module that admitting sets.
func facts(m *Module) []any {
	return []any{m.size, m.layout, m.abi, m.imports, m.uses, m.tasks, m.returns, m.globals, m.unsound, m.describes, m.pools}
}

// TestAdmissionIsKept: a module is admitted once, and the notes of that leave nothing out.
func TestAdmissionIsKept(t *testing.T) {
	t.Parallel()
	dir, wasm := t.TempDir(), noted()
	h := admitted(t, dir, wasm).host
	fresh := &Module{host: h, digest: digestOf(wasm)}
	metered, err := fresh.admit(wasm)
	if err != nil {
		t.Fatal(err)
	}
	again := &Module{host: h, digest: digestOf(wasm)}
	if kept := again.recall(wasm); !reflect.DeepEqual(kept, metered) {
		t.Errorf("%d bytes were kept, want the %d that the meter wrote", len(kept), len(metered))
	}
	if got, want := facts(again), facts(fresh); !reflect.DeepEqual(got, want) {
		t.Errorf("noted\n%+v\nwant\n%+v", got, want)
	}
	told := &Module{host: h}
	told.note(fresh.admission())
	if got, want := facts(told), facts(fresh); !reflect.DeepEqual(got, want) {
		t.Errorf("told a cell\n%+v\nwant\n%+v", got, want)
	}
	other := append(wasm, 0, 1, 0) // an empty custom section
	if kept := (&Module{host: h, digest: digestOf(other)}).recall(other); kept != nil {
		t.Error("another module was known")
	}
}

// TestAdmissionIsNotBelieved: what was changed on disk is found out anew.
func TestAdmissionIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir, wasm := t.TempDir(), noted()
	admitted(t, dir, wasm)
	entries, err := filepath.Glob(filepath.Join(dir, "code-*", "*"))
	if err != nil || len(entries) != 2 {
		t.Fatalf("entries: %v, %v, want the code and the notes", entries, err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(e)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/3] ^= 1
		if err := os.WriteFile(e, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &Module{host: admitted(t, t.TempDir(), wasm).host, digest: digestOf(wasm)}
	if _, err := m.admit(wasm); err != nil {
		t.Fatal(err)
	}
	if got, want := facts(admitted(t, dir, wasm))[:10], facts(m)[:10]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestAdmissionIsBounded: what a host would refuse by its size is not let in by a cache.
func TestAdmissionIsBounded(t *testing.T) {
	t.Parallel()
	dir, wasm := t.TempDir(), noted()
	h := admitted(t, dir, wasm).host
	h.config.MaxModuleBytes = int64(len(wasm)) - 1
	if kept := (&Module{host: h, digest: digestOf(wasm)}).recall(wasm); kept != nil {
		t.Error("a module above the limit was known")
	}
}
