package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

const (
	// initTimeout bounds the initialization that a snapshot is made of, for which
	// several calls may wait.
	initTimeout = 10 * time.Second
	// maxShapes is how many snapshots one module may have.
	maxShapes = 16
)

var errDirty = errors.New("the guest changed tables or segments")

// pool holds the idle sandboxes of a module that share one snapshot.
type pool struct {
	module *Module
	shape  string
	limits Limits             // of the call that began it
	cancel context.CancelFunc // of the initialization
	ready  chan struct{}      // closed when what follows is set

	err      error  // initialization failed
	unsound  string // why there is no snapshot, or ""
	narrow   bool   // nor here: initialization has felt the memory limit of the call that began it
	snapshot *linmem.Snapshot
	bytes    int64 // of the snapshot
	globals  []uint64
	elapsed  time.Duration // of a virtual clock, by initializing

	identity sync.Once // sets base, when somebody asks for it
	base     baseline

	// Guarded by Host.poolMu:
	idle    []*sandbox // the last one is the warmest
	used    uint64     // Host.clock of the last use
	waiters int        // calls that wait for ready
	settled bool       // it has come to a snapshot that stays
}

// fresh is a sandbox that the attempt initializes by itself, unless it needs one
// with a snapshot: then refused is why there is none.
func (m *Module) fresh(ctx context.Context, a *attempt, refused error) (*sandbox, error) {
	if refused != nil {
		return nil, refused
	}
	a.source = SourceNew
	s, err := m.instantiate(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := s.initialize(ctx, a, m.initializers(a.export, false)); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// grow makes one more sandbox on the pool's snapshot.
func (p *pool) grow(ctx context.Context, a *attempt) (*sandbox, error) {
	s, err := p.instantiate(ctx, a)
	if err != nil {
		return nil, err
	}
	if s.dirty.Get() != 0 { // its start function did what the snapshot's did not
		s.close(ctx)
		return nil, errDirty
	}
	s.pool = p
	if err := s.adopt(p, a); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// instantiate makes an instance whose start function leaves no trace: it is part
// of the initialization, under the same limits, and the snapshot replaces what
// it did. A call must not find out whether its sandbox is a new one.
func (p *pool) instantiate(ctx context.Context, a *attempt) (*sandbox, error) {
	if !p.module.layout.hasStart {
		return p.module.instantiate(ctx, a)
	}
	opt := a.opt
	opt.Limits = p.limits
	init, err := newAttempt(p.module, a.export, []byte("null"), initOptions(opt))
	if err != nil {
		return nil, err
	}
	defer init.close()
	s, err := p.module.instantiate(context.WithValue(ctx, attemptKey{}, init), init)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, a.interrupted(ctx)
	case err == nil && s.memory != nil:
		s.memory.SetLimit(a.opt.Limits.Memory)
		a.memory = s.memory
	}
	return s, err
}

// adopt puts the pool's snapshot into a new instance.
func (s *sandbox) adopt(p *pool, a *attempt) error {
	if s.memory != nil {
		linear := s.instance.Memory()
		if size := int64(linear.Size()); size < p.bytes {
			if _, ok := linear.Grow(uint32((p.bytes - size) >> 16)); !ok {
				return a.noMemory(p.bytes)
			}
		}
		if err := s.memory.Map(p.snapshot); err != nil {
			return fmt.Errorf("map a snapshot: %w", err)
		}
		if err := linmem.Shrink(linear, s.memory); err != nil {
			return fmt.Errorf("map a snapshot: %w", err)
		}
	}
	for i, g := range s.globals {
		g.Set(p.globals[i])
	}
	return nil
}

// build initializes a sandbox and takes the snapshot of it. It runs by itself,
// under the limits of the call that began it but for the time, as long as
// anybody waits for it.
func (p *pool) build(ctx context.Context, export string, opt Options) {
	defer close(p.ready)
	defer p.cancel()
	a, err := newAttempt(p.module, export, []byte("null"), initOptions(opt))
	if err != nil {
		p.err = err
		return
	}
	defer a.close()
	defer func() {
		if r := recover(); r != nil {
			p.err = a.panicked(r)
		}
	}()
	if end, limited := ctx.Deadline(); limited {
		a.start = end.Add(-initTimeout)
	}
	ctx = context.WithValue(ctx, attemptKey{}, a)
	s, err := p.initialize(ctx, a)
	if err != nil {
		// What it failed for may be what only a call has.
		if p.unsound = a.individual(); p.unsound == "" {
			p.err = err
		}
		return
	}
	p.unsound, p.narrow = a.unsound(s), s.memory != nil && s.memory.Refused()
	if p.unsound == "" && !p.narrow {
		p.err = p.take(s, a)
	}
	if p.err != nil || p.unsound != "" || p.narrow {
		s.close(ctx)
		return
	}
	p.elapsed = a.elapsed()
	s.pool = p
	p.module.host.release(ctx, s)
	p.module.host.settle(p)
}

func (p *pool) initialize(ctx context.Context, a *attempt) (*sandbox, error) {
	m := p.module
	s, err := m.instantiate(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := s.initialize(ctx, a, m.initializers(a.export, true)); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// take makes the sandbox's state the pool's snapshot.
func (p *pool) take(s *sandbox, a *attempt) (err error) {
	p.globals = s.save()
	if s.memory == nil {
		return nil
	}
	p.bytes = s.memory.Size()
	if p.snapshot, err = s.memory.Snapshot(); errors.Is(err, linmem.ErrBudget) {
		return a.noMemory(s.memory.Size())
	} else if err != nil {
		return fmt.Errorf("take a snapshot: %w", err)
	}
	if err := s.memory.Map(p.snapshot); err != nil {
		return fmt.Errorf("map a snapshot: %w", err)
	}
	return nil
}

// initOptions are a call's options without what is the call's own. Mounts are
// there by name only.
func initOptions(opt Options) Options {
	no := false
	init := Options{Name: opt.Name, Reproducible: opt.Reproducible, Grants: Grants{
		Env: opt.Grants.Env, Clock: opt.Grants.Clock, Random: opt.Grants.Random,
		Channel: &no, Control: &no,
	}}
	for _, m := range opt.Grants.Mounts {
		init.Grants.Mounts = append(init.Grants.Mounts, Mount{Guest: m.Guest, Memory: true})
	}
	if opt.Reproducible {
		init.Grants.Clock, init.Grants.Random = ClockVirtual, RandomSeeded
	}
	init.Limits = opt.Limits
	init.Limits.Timeout = initTimeout
	return init
}
