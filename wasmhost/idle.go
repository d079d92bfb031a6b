package wasmhost

import (
	"context"
	"slices"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// pool finds the pool of an attempt's shape to wait for, or begins one, which is
// then the attempt's. nil: the module has as many as it may, all of them busy, of
// which one is to be waited for instead.
func (h *Host) pool(ctx context.Context, m *Module, a *attempt) (p *pool, mine bool, busy <-chan struct{}) {
	key := shapeOf(a.opt)
	if a.export == abi.ExportStart {
		key += abi.ExportStart // nothing is initialized for it
	}
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	h.clock++
	if p := m.pools[key]; p != nil {
		p.used = h.clock
		p.waiters++
		return p, false, nil
	}
	if len(m.pools) >= maxShapes {
		if busy := h.dropPool(ctx, m); busy != nil {
			return nil, false, busy.ready
		}
	}
	p = &pool{module: m, shape: key, limits: a.opt.Limits, ready: make(chan struct{}), used: h.clock, waiters: 1}
	m.pools[key] = p
	ctx, p.cancel = context.WithTimeoutCause(context.WithoutCancel(ctx), initTimeout, ErrTimeout)
	h.building.Go(func() { p.build(ctx, a.export, a.opt) })
	return p, true, nil
}

// leave ends a wait for a pool. An initialization that nobody waits for is given
// up: it would be work that no call answers for.
func (h *Host) leave(p *pool) {
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	p.waiters--
	if p.waiters == 0 && !p.settled && !p.isReady() {
		p.cancel()
		if p.module.pools[p.shape] == p {
			delete(p.module.pools, p.shape)
		}
	}
}

// settle is the end of an initialization: its snapshot stays, or goes if nobody
// waits for it anymore. To be called before the pool is ready.
func (h *Host) settle(p *pool) {
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	p.settled = p.module.pools[p.shape] == p
	if !p.settled && p.snapshot != nil {
		p.snapshot.Close()
		p.snapshot = nil
	}
}

// dropPool gives up the pool of a module that was idle longest; h.poolMu is
// held. Sandboxes in use are closed when they come back. If all are still being
// initialized it gives up none, and returns the oldest.
func (h *Host) dropPool(ctx context.Context, m *Module) (busy *pool) {
	var oldest *pool
	for _, p := range m.pools {
		switch {
		case !p.isReady():
			if busy == nil || p.used < busy.used {
				busy = p
			}
		case oldest == nil || p.used < oldest.used:
			oldest = p
		}
	}
	if oldest == nil {
		return busy
	}
	delete(m.pools, oldest.shape)
	h.discard(ctx, oldest)
	return nil
}

func (p *pool) isReady() bool {
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// closeIdle closes the idle sandboxes of a pool; h.poolMu is held.
func (h *Host) closeIdle(ctx context.Context, p *pool) {
	for _, s := range p.idle {
		s.close(ctx)
		h.idleBytes -= s.cost()
	}
	p.idle = nil
}

// discard closes what a pool holds; h.poolMu is held.
func (h *Host) discard(ctx context.Context, p *pool) {
	h.closeIdle(ctx, p)
	if p.snapshot != nil {
		p.snapshot.Close()
	}
}

// closePools closes the sandboxes and snapshots of a module that nobody calls.
func (h *Host) closePools(ctx context.Context, m *Module) {
	h.poolMu.Lock()
	pools := m.pools
	m.pools = map[string]*pool{}
	h.poolMu.Unlock()
	for _, p := range pools {
		p.cancel()
		<-p.ready
		h.poolMu.Lock()
		h.discard(ctx, p)
		h.poolMu.Unlock()
	}
}

// forget makes the next call try again to initialize.
func (h *Host) forget(p *pool) {
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	if p.module.pools[p.shape] == p {
		delete(p.module.pools, p.shape)
	}
}

// pop takes the warmest idle sandbox, or nil.
func (h *Host) pop(p *pool) *sandbox {
	h.poolMu.Lock()
	defer h.poolMu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	s := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	h.idleBytes -= s.cost()
	return s
}

// release takes a pristine sandbox back into its pool, as far as the budget for
// idle ones allows.
func (h *Host) release(ctx context.Context, s *sandbox) {
	h.poolMu.Lock()
	keep := s.pool.module.pools[s.pool.shape] == s.pool && h.idleBytes+s.cost() <= h.config.IdleBytes
	if keep {
		s.pool.idle = append(s.pool.idle, s)
		h.idleBytes += s.cost()
	}
	h.poolMu.Unlock()
	if !keep {
		s.close(ctx)
	}
}

// idleCost is what an instance holds beside its memory: by measurement, wazero
// takes some 20 bytes for each function and table element.
func (m *Module) idleCost() int64 {
	const each, instance = 20, 8 << 10
	return instance + each*(m.layout.functions+m.layout.elements)
}

func (s *sandbox) cost() int64 {
	return s.pool.module.idleCost() + s.private
}

// Prewarm has n sandboxes ready for calls with these options, as far as the
// budget for idle ones allows. Of a module that can't be snapshotted it only
// finds that out; see Describe.
func (m *Module) Prewarm(ctx context.Context, n int, opt Options) error {
	if err := m.begin(); err != nil {
		return err
	}
	defer m.done()
	if opt.Name == "" {
		opt.Name = short(m.digest)
	}
	opt.Limits, opt.From, opt.Keep = opt.Limits.withDefaults(), nil, false
	if m.isolated {
		_, err := m.callIsolated(ctx, "", nil, opt)
		return err
	}
	var ready []*sandbox
	defer func() {
		for _, s := range slices.Backward(ready) {
			m.host.release(ctx, s)
		}
	}()
	for range n {
		s, err := m.spare(ctx, opt)
		if err != nil || s == nil {
			return err
		}
		ready = append(ready, s)
	}
	return nil
}

// spare takes a sandbox for no call yet; nil if it could not be kept.
func (m *Module) spare(ctx context.Context, opt Options) (*sandbox, error) {
	a, err := newAttempt(m, "", nil, opt)
	if err != nil {
		return nil, err
	}
	defer a.close()
	s, err := m.acquire(context.WithValue(ctx, attemptKey{}, a), a)
	if err != nil || s.pool != nil {
		return s, err
	}
	s.close(ctx)
	return nil, nil
}
