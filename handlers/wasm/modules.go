package wasm

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
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

	registered bool   // by its digest: it may be let go of
	isolated   bool   // its calls run in cells because a task asks for it
	users      int    // that have not released it; guarded by Handler.mu
	used       uint64 // when, by Handler.clock; guarded by Handler.mu
}

// pinKey is what a pin is found by: isolated, a module is another one.
type pinKey struct {
	key      string
	isolated bool
}

// found is an export that can be called.
type found struct {
	*pin
	export string
}

// find resolves a reference to a module, isolated if a task asks for that, and one of
// its exports. Without an error the caller releases it.
func (h *Handler) find(ctx context.Context, ref reference, isolated bool) (found, error) {
	p, err := h.load(ctx, ref.module, isolated)
	if err != nil {
		return found{}, err
	}
	switch {
	case ref.export == "" && len(p.tasks) == 1:
		return found{p, p.tasks[0]}, nil
	case ref.export == "":
		err = fmt.Errorf("the module has several tasks, name one as %q: there are %s", ref.called()+"#"+p.tasks[0], guest.Quoted(p.tasks))
	case !slices.Contains(p.tasks, ref.export):
		err = fmt.Errorf("no such export%s: there are %s", guest.DidYouMean(ref.export, p.tasks), guest.Quoted(p.tasks))
	default:
		return found{p, ref.export}, nil
	}
	h.release(ctx, p)
	return found{}, err
}

// load returns what ref stands for, and loads it first if need be. A failure is
// not kept. Callers of one ref share the work; whoever waits for another's does it
// again if that one was canceled. Without an error the caller releases it.
func (h *Handler) load(ctx context.Context, ref string, isolated bool) (*pin, error) {
	key, registered, err := h.key(ctx, ref)
	if err != nil {
		return nil, err
	}
	for {
		p, first := h.use(key, registered, isolated)
		if first {
			h.fill(ctx, key, p)
			return h.kept(p)
		}
		select {
		case <-p.done:
		case <-ctx.Done():
			h.release(ctx, p)
			return nil, context.Cause(ctx)
		}
		if !p.left || ctx.Err() != nil {
			return h.kept(p)
		}
		h.release(ctx, p)
	}
}

// use finds a pin, or begins one.
func (h *Handler) use(key string, registered, isolated bool) (p *pin, first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.pinned[pinKey{key, isolated}]
	if !ok {
		p = &pin{done: make(chan struct{}), registered: registered, isolated: isolated}
		h.pinned[pinKey{key, isolated}] = p
	}
	p.users++
	h.clock++
	p.used = h.clock
	return p, !ok
}

// kept is a pin that is done; one that failed has been dropped already.
func (h *Handler) kept(p *pin) (*pin, error) {
	if p.err != nil {
		return nil, p.err
	}
	return p, nil
}

// fill loads and compiles a module into its pin.
func (h *Handler) fill(ctx context.Context, key string, p *pin) {
	p.err = errors.New("loading the module panicked") // stays only if it does
	defer func() {
		if p.err != nil {
			h.mu.Lock()
			delete(h.pinned, pinKey{key, p.isolated})
			h.mu.Unlock()
		}
		close(p.done)
	}()
	var wasm []byte
	var err error
	if p.name = key; p.registered {
		wasm, err = h.fetch(ctx, key)
	} else {
		g := h.ahead(ctx, key, p.isolated)
		defer g.settle()
		if wasm, p.name, err = h.config.Modules.Load(ctx, key); p.name == "" {
			p.name = key
		}
		g.check(wasm)
	}
	if err == nil {
		err = h.compile(ctx, p, wasm)
	}
	p.err, p.left = err, err != nil && ctx.Err() != nil
}

// compile makes a module of its bytes. None is let go of meanwhile: it might be the
// same one.
func (h *Handler) compile(ctx context.Context, p *pin, wasm []byte) (err error) {
	h.compiles.RLock()
	defer h.compiles.RUnlock()
	compile := h.config.Host.Compile
	if p.isolated {
		compile = h.config.Host.CompileIsolated
	}
	if p.module, err = compile(ctx, wasm); err != nil {
		return err
	}
	for _, t := range p.module.Describe().Tasks {
		p.tasks = append(p.tasks, t.Name)
	}
	return nil
}
