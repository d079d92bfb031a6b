package wasm

import (
	"cmp"
	"context"
)

// Load returns the bytes of the module that a task of this handler would get for
// ref, and a name for it in messages: for handlers that run modules elsewhere.
// Its errors are those of Registry and Modules.
func (h *Handler) Load(ctx context.Context, ref string) (wasm []byte, name string, err error) {
	key, registered, err := h.key(ctx, ref)
	if err != nil {
		return nil, ref, err
	}
	if registered {
		wasm, err = h.fetch(ctx, key)
		return wasm, ref, err
	}
	wasm, name, err = h.config.Modules.Load(ctx, ref)
	return wasm, cmp.Or(name, ref), err
}

var _ Modules = (*Handler)(nil)
