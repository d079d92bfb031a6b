package wasm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Modules finds modules. Load is called concurrently and may be slow.
type Modules interface {
	// Load returns the bytes of the module that ref names, and a name for it in
	// messages. Its errors need not repeat ref.
	Load(ctx context.Context, ref string) (wasm []byte, name string, err error)
}

// pin is a module that a reference stands for, or is about to.
type pin struct {
	done   chan struct{} // closed when the rest is set
	module *wasmhost.Module
	name   string
	tasks  []string
	err    error
	left   bool // the caller that was loading it went away
}

// found is an export that can be called.
type found struct {
	*pin
	export string
}

// find resolves a reference to a module and one of its exports.
func (h *Handler) find(ctx context.Context, ref reference) (found, error) {
	p, err := h.load(ctx, ref.module)
	if err != nil {
		return found{}, err
	}
	switch {
	case ref.export == "" && len(p.tasks) == 1:
		return found{p, p.tasks[0]}, nil
	case ref.export == "":
		return found{}, fmt.Errorf("the module has several tasks, name one as %q: there are %s", ref.module+"#"+p.tasks[0], quoted(p.tasks))
	case !slices.Contains(p.tasks, ref.export):
		return found{}, fmt.Errorf("no such export%s: there are %s", didYouMean(ref.export, p.tasks), quoted(p.tasks))
	}
	return found{p, ref.export}, nil
}

// load returns what ref is pinned to, and pins it first if it is not. A failure
// is not kept. Callers of one ref share the work; whoever waits for another's
// does it again if that one was canceled.
func (h *Handler) load(ctx context.Context, ref string) (*pin, error) {
	for {
		h.mu.Lock()
		p, ok := h.pinned[ref]
		if !ok {
			p = &pin{done: make(chan struct{})}
			h.pinned[ref] = p
		}
		h.mu.Unlock()
		if !ok {
			h.fill(ctx, ref, p)
			return p, p.err
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if !p.left || ctx.Err() != nil {
			return p, p.err
		}
	}
}

// fill loads and compiles a module into its pin.
func (h *Handler) fill(ctx context.Context, ref string, p *pin) {
	p.err = errors.New("loading the module panicked") // stays only if it does
	defer func() {
		if p.err != nil {
			h.mu.Lock()
			delete(h.pinned, ref)
			h.mu.Unlock()
		}
		close(p.done)
	}()
	wasm, name, err := h.config.Modules.Load(ctx, ref)
	if err == nil {
		p.module, err = h.config.Host.Compile(ctx, wasm)
	}
	if err == nil {
		for _, t := range p.module.Describe().Tasks {
			p.tasks = append(p.tasks, t.Name)
		}
	}
	p.name, p.err, p.left = name, err, err != nil && ctx.Err() != nil
	if err == nil && name == "" {
		p.name = ref
	}
}
