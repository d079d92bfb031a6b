package wasmhost

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// tryAcquire is an idle sandbox, a new one on a pool's snapshot, or one that is
// initialized within the attempt.
func (m *Module) tryAcquire(ctx context.Context, a *attempt) (*sandbox, error) {
	if need := m.layout.elements; need > a.opt.Limits.TableElements {
		return nil, a.trapError(KindMemory, fmt.Sprintf("the module needs %d elements of tables at start, the limit is %d",
			need, a.opt.Limits.TableElements), ErrMemory)
	}
	for m.unsound == "" {
		p, mine, busy := m.host.pool(ctx, m, a)
		if p == nil {
			select {
			case <-busy:
				continue
			case <-ctx.Done():
				return nil, a.interrupted(ctx)
			}
		}
		if err := p.wait(ctx, a); err != nil {
			return nil, err
		}
		switch {
		case p.err != nil:
			m.host.forget(p)
			if !mine && !p.limitsOf(a) { // it failed under what another call may use
				continue
			}
			return nil, p.failed(a)
		case p.unsound != "":
			return m.fresh(ctx, a, a.refused(p.unsound))
		case p.narrow:
			m.host.forget(p)
			return m.fresh(ctx, a, a.cramped("its initialization needs more memory"))
		}
		s, err := p.sandbox(ctx, a)
		if mine {
			a.source = SourceNew
		}
		if errors.Is(err, linmem.ErrFreed) { // other shapes have driven this one out meanwhile
			continue
		}
		return s, err
	}
	return m.fresh(ctx, a, a.refused(m.unsound))
}

// wait waits for the pool's snapshot, as long as the attempt's time lasts.
func (p *pool) wait(ctx context.Context, a *attempt) error {
	defer p.module.host.leave(p)
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		return a.interrupted(ctx)
	}
}

// limitsOf reports whether the pool was initialized under the limits of a call, but
// for the time.
func (p *pool) limitsOf(a *attempt) bool {
	limits := a.opt.Limits
	limits.Timeout = p.limits.Timeout
	return limits == p.limits
}

// failed is the failed initialization as the failure of a call that needs it.
func (p *pool) failed(a *attempt) error {
	var e *TrapError
	if !errors.As(p.err, &e) {
		return p.err
	}
	own := *e
	own.Module, own.Export = a.opt.Name, a.export
	own.Message = "initialization: " + e.Message
	return &own
}

// sandbox is an idle or a new sandbox of the pool.
func (p *pool) sandbox(ctx context.Context, a *attempt) (*sandbox, error) {
	if p.bytes > a.opt.Limits.Memory { // with less memory it would have initialized otherwise
		return p.module.fresh(ctx, a, a.cramped(fmt.Sprintf("its snapshot has %d bytes of memory", p.bytes)))
	}
	a.before = p.elapsed
	if a.opt.Reproducible { // what it saw go by is not what the machine's clock says
		a.goOn(p.elapsed)
	}
	a.source = SourcePool
	if s := p.module.host.pop(p); s != nil {
		if s.memory != nil {
			s.memory.SetLimit(a.opt.Limits.Memory)
			a.memory = s.memory
		}
		return s, nil
	}
	a.source = SourceSnapshot
	s, err := p.grow(ctx, a)
	if errors.Is(err, errDirty) { // its start function did what the snapshot's did not
		a.before = 0
		return p.module.fresh(ctx, a, a.refused("its start function changes tables or drops segments"))
	}
	return s, err
}
