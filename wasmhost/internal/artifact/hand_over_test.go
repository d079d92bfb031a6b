package artifact_test

import (
	"os"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// TestTake has one compiler run what another one made, and refuse what is not the
// code of the module.
func TestTake(t *testing.T) {
	t.Parallel()
	maker, taker := open(t, artifact.Config{}), open(t, artifact.Config{})
	native, report, err := maker.Make(t.Context(), artifact.Key{Meter: "test"}, answer(42), false)
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	if report.Source != artifact.FromChild {
		t.Errorf("made in %s, want %s", report.Source, artifact.FromChild)
	}
	m, err := taker.Take(taker.runtime, native.Name(), native.File(), answer(42))
	if err != nil {
		t.Fatal(err)
	}
	instance, err := taker.runtime.Instantiate(t.Context(), answer(42))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := instance.ExportedFunction("run").Call(t.Context()); err != nil || got[0] != 42 {
		t.Errorf("run gave %d, %v; want 42", got, err)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string]struct {
		name string
		wasm []byte
	}{
		"another module": {native.Name(), answer(43)},
		"a path":         {"../../etc/passwd", answer(42)},
	} {
		if _, err := taker.Take(taker.runtime, bad.name, native.File(), bad.wasm); err == nil {
			t.Errorf("code was taken for %s", name)
		}
	}
	empty, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	other := open(t, artifact.Config{})
	if _, err := other.Take(other.runtime, native.Name(), empty, answer(42)); err == nil {
		t.Error("an empty file was taken for code")
	}
}
