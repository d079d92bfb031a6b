package wasm

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// DefaultRegistryModules is how many modules of a registry stay compiled.
const DefaultRegistryModules = 64

// Prewarm loads and compiles modules, and has a sandbox of each ready for a call
// without grants. All that is wrong is reported, joined.
func (h *Handler) Prewarm(ctx context.Context, refs []string) error {
	var errs []error
	for _, ref := range refs {
		if err := h.prewarm(ctx, ref); err != nil {
			errs = append(errs, fmt.Errorf("prewarm module %q: %w", ref, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Handler) prewarm(ctx context.Context, ref string) error {
	p, err := h.load(ctx, ref, false)
	if err != nil {
		return err
	}
	defer h.release(ctx, p)
	return p.module.Prewarm(ctx, 1, wasmhost.Options{Name: p.name, Limits: wasmhost.Limits{}.Within(h.config.Limits)})
}

// release ends the use of a pin, and lets go of what there is too much of.
func (h *Handler) release(ctx context.Context, p *pin) {
	h.mu.Lock()
	p.users--
	full := p.users == 0 && p.registered && h.surplus() > 0
	h.mu.Unlock()
	if full {
		h.trim(ctx)
	}
}

// surplus is the number of modules of the registry that are too many. The caller
// holds mu.
func (h *Handler) surplus() int {
	n := 0
	for _, p := range h.pinned {
		if p.registered {
			n++
		}
	}
	return n - h.config.RegistryModules
}

// trim lets go of modules that nobody uses. While one is being compiled it leaves
// that to the next one who releases one.
func (h *Handler) trim(ctx context.Context) {
	if !h.compiles.TryLock() {
		return
	}
	defer h.compiles.Unlock()
	for _, m := range h.drop() {
		_ = m.Close(ctx) // of code that nobody runs
	}
}

// drop forgets the modules of the registry that are too many, those used longest ago
// first, and returns those that no other reference stands for.
func (h *Handler) drop() (unused []*wasmhost.Module) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.surplus() > 0 {
		var oldest pinKey
		for key, p := range h.pinned {
			if p.registered && p.users == 0 && (oldest.key == "" || p.used < h.pinned[oldest].used) {
				oldest = key
			}
		}
		if oldest.key == "" {
			break
		}
		m := h.pinned[oldest].module
		delete(h.pinned, oldest)
		if !h.stands(m) {
			unused = append(unused, m)
		}
	}
	return unused
}

// stands tells whether a reference stands for a module. The caller holds mu, and
// compiles.
func (h *Handler) stands(m *wasmhost.Module) bool {
	for _, p := range h.pinned {
		if p.module == m {
			return true
		}
	}
	return false
}
