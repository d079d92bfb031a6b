package wasmhost

import (
	"context"
	"errors"
)

// errNoMemory marks the failures that come of the host's memory budget.
var errNoMemory = errors.New("the host's memory budget is used up")

// acquire is a sandbox for an attempt, in the state that it begins with. If the host's memory
// does not suffice, what waits for other calls is given up for it.
func (m *Module) acquire(ctx context.Context, a *attempt) (*sandbox, error) {
	s, err := a.begin(ctx)
	if errors.Is(err, errNoMemory) && m.host.reclaim(ctx, m) {
		s, err = a.begin(ctx)
	}
	return s, err
}

// reclaim closes all idle sandboxes, and the snapshots of all modules but one; it
// reports whether there were any.
func (h *Host) reclaim(ctx context.Context, keep *Module) bool {
	modules := h.ready()
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	reclaimed := false
	for _, m := range modules {
		for shape, p := range m.pools {
			if !p.isReady() {
				continue
			}
			if m != keep {
				delete(m.pools, shape)
				reclaimed = reclaimed || p.snapshot != nil
				h.discard(ctx, p)
				continue
			}
			reclaimed = reclaimed || len(p.idle) > 0
			h.closeIdle(ctx, p)
		}
	}
	return reclaimed
}

// ready lists the modules that are compiled.
func (h *Host) ready() []*Module {
	h.mu.Lock()
	defer h.mu.Unlock()
	var modules []*Module
	for _, c := range h.modules {
		select {
		case <-c.done:
			modules = append(modules, c.module)
		default:
		}
	}
	return modules
}
