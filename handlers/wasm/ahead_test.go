package wasm_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// builder is Modules whose Load is done only after what was guessed is compiled.
type builder struct {
	guessed, built []byte
	err            error
	compiled       chan struct{}
}

func (b *builder) Guess(string) []byte { return b.guessed }

func (b *builder) Load(ctx context.Context, _ string) ([]byte, string, error) {
	select {
	case <-b.compiled:
		return b.built, "built", b.err
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

// handlerOf is a handler of what b builds, and what runs its module once.
func handlerOf(t *testing.T, b *builder) (run func() error) {
	t.Helper()
	b.compiled = make(chan struct{}, 8)
	host, err := wasmhost.New(t.Context(), wasmhost.Config{Probe: wasmhost.Probe{
		Compiled: func(time.Duration, error) { b.compiled <- struct{}{} },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	h, err := wasm.New(wasm.Config{Host: host, Modules: b})
	if err != nil {
		t.Fatal(err)
	}
	return func() error {
		call := newCall(t, "", nil)
		call.Task.Spec = marshal(t, "anything")
		_, err := h.Handle(t.Context(), call)
		return err
	}
}

// TestGuess: what was built last is compiled beside the build, and run if it was right.
func TestGuess(t *testing.T) {
	t.Parallel()
	b := &builder{guessed: command("the same"), built: command("the same")}
	if err := handlerOf(t, b)(); err != nil {
		t.Fatal(err)
	}
	if n := len(b.compiled); n != 0 {
		t.Errorf("compiled %d times more than once", n)
	}
}

// TestGuessWrong: what was built is run, whatever was guessed.
func TestGuessWrong(t *testing.T) {
	t.Parallel()
	for name, guessed := range map[string][]byte{"old": command("old"), "no module": []byte("no module")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &builder{guessed: guessed, built: command("new")}
			if err := handlerOf(t, b)(); err != nil {
				t.Fatal(err)
			}
			if n := len(b.compiled); n != 1 {
				t.Errorf("what was built was compiled %d times, want once", n)
			}
		})
	}
}

// TestGuessNotBuilt: a guess stands for nothing that can't be built.
func TestGuessNotBuilt(t *testing.T) {
	t.Parallel()
	broken := errors.New("it does not compile")
	b := &builder{guessed: command("before it broke"), err: broken}
	if err := handlerOf(t, b)(); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}
