package wasm

import (
	"bytes"
	"context"
)

// guesser are Modules that can tell at once what Load, which is slow, will probably
// return: nil if they can't. What was guessed is run only if Load returns the same.
type guesser interface {
	Guess(ref string) []byte
}

// guess is a module that is compiled while it is being loaded.
type guess struct {
	wasm   []byte
	cancel context.CancelFunc
	done   chan struct{} // closed when it is compiled, or given up
}

// ahead compiles what key will probably load, as it will be; nil if nobody knows. The caller settles it.
func (h *Handler) ahead(ctx context.Context, key string, isolated bool) *guess {
	modules, ok := h.config.Modules.(guesser)
	if !ok {
		return nil
	}
	wasm := modules.Guess(key)
	if wasm == nil {
		return nil
	}
	g := &guess{wasm: wasm, done: make(chan struct{})}
	ctx, g.cancel = context.WithCancel(ctx)
	go func() {
		defer close(g.done)
		_ = h.compile(ctx, &pin{isolated: isolated}, wasm) // what Load returns fails again, or is other
	}()
	return g
}

// check gives the guess up unless it was right.
func (g *guess) check(wasm []byte) {
	if g != nil && !bytes.Equal(g.wasm, wasm) {
		g.cancel()
	}
}

// settle waits for the guess, which whoever needed it has waited for, or given up. A module
// that was compiled for nothing stays until the host is closed: others may have it too.
func (g *guess) settle() {
	if g != nil {
		g.cancel()
		<-g.done
	}
}
