package wasm_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

func newRetaining(t *testing.T, backend *engine.Backend, check func(schema, answer json.RawMessage) error) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"wasm": newHandler(t, wasm.Config{})},
		Backend:  backend, Retain: true, CheckSchema: check,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// TestEnginePauses answers a guest that pauses twice, the second time in another
// process.
func TestEnginePauses(t *testing.T) {
	t.Parallel()
	var schemas []string
	check := func(schema, answer json.RawMessage) error {
		schemas = append(schemas, string(schema))
		var b bool
		return json.Unmarshal(answer, &b)
	}
	g, err := engine.NewGraph("flow", engine.Seq(task(t, "a", "purchase"), task(t, "b", "echo")))
	if err != nil {
		t.Fatal(err)
	}
	backend := engine.InMemory()
	e := newRetaining(t, backend, check)
	r, err := e.Start(t.Context(), g, engine.Start{Input: json.RawMessage("7")})
	if err != nil {
		t.Fatal(err)
	}
	paused := func(name string) {
		t.Helper()
		out, err := r.Wait(t.Context())
		if err != nil || out.Status != engine.StatusPaused || len(out.Pauses) != 1 || out.Pauses[0].Name != name {
			t.Fatalf("got %s, %v, want it paused for %s", marshal(t, out), err, name)
		}
	}
	paused("approve")
	if err := r.Resume("approve", json.RawMessage(`"yes"`)); err == nil {
		t.Error("an answer that does not fit the guest's schema was taken")
	}
	if err := r.Resume("approve", json.RawMessage("true")); err != nil {
		t.Fatal(err)
	}
	paused("color")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err = newRetaining(t, backend, check).Recover(t.Context(), r.ID()); err != nil {
		t.Fatal(err)
	}
	paused("color")
	if err := r.Resume("a", json.RawMessage(`"red"`)); err != nil { // by its activation
		t.Fatal(err)
	}
	out, err := r.Wait(t.Context())
	if got, want := string(out.Output), `{"approved":true,"color":"red"}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", marshal(t, out), err, want)
	}
	var names []string
	for _, c := range out.Checkpoints {
		names = append(names, c.Name)
	}
	if want := []string{"bought", "checkpoint-2"}; !slices.Equal(names, want) {
		t.Errorf("got checkpoints %q, want %q", names, want)
	}
	if want := []string{`{"type":"boolean"}`, `{"type":"boolean"}`}; !slices.Equal(schemas, want) {
		t.Errorf("got schemas %q, want %q", schemas, want)
	}
}

// TestEnginePins wants a run to go on with the module that it began with only.
func TestEnginePins(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(guest(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m.wasm")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(data)
	g, err := engine.NewGraph("flow", engine.Task{ID: "a", Handler: "wasm", Spec: marshal(t, file+"#purchase")})
	if err != nil {
		t.Fatal(err)
	}
	backend := engine.InMemory()
	e := newRetaining(t, backend, nil)
	r, err := e.Start(t.Context(), g, engine.Start{Input: json.RawMessage("7")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	recovers := func(want error) {
		t.Helper()
		e := newRetaining(t, backend, nil)
		if _, err := e.Recover(t.Context(), r.ID()); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	custom := []byte{0, 2, 1, 'x'} // a section that changes nothing but the digest
	write(append(slices.Clone(data), custom...))
	recovers(engine.ErrModule)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	recovers(engine.ErrModule)
	write(data)
	recovers(nil)
}
