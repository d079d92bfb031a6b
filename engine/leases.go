package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// lease is how long a delivery may go without an extension.
func (e *Engine) lease() time.Duration {
	if e.backend.Lease > 0 {
		return e.backend.Lease
	}
	return memLeaseTime
}

func (e *Engine) startWorkers() {
	e.workers.Add(e.cfg.Concurrency)
	for range e.cfg.Concurrency {
		go e.work()
	}
	e.workers.Go(e.keepLeases)
}

// keepLeases extends the leases of running attempts when a third of them is gone.
// An attempt whose lease could not be extended is ended before it runs out, and one
// whose activation has gone on without it at once.
func (e *Engine) keepLeases() {
	tick := time.NewTicker(e.lease() / 6)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			return
		}
		for _, c := range e.allCrews(e.allRunning()) {
			for _, a := range c.all() {
				a.keepLease()
			}
		}
	}
}

func (a *attempt) keepLease() {
	const sixths = 6
	lease := a.engine.lease()
	since := time.Since(time.Unix(0, a.extended.Load()))
	if since < lease/3 {
		return
	}
	ctx, cancel := context.WithTimeout(a.engine.ctx, lease/sixths)
	err := a.lease.Extend(ctx)
	cancel()
	if err == nil {
		a.extended.Store(time.Now().UnixNano())
	}
	if a.engine.cluster == nil {
		return // a lost lease shows when the attempt commits
	}
	if err != nil {
		if since > lease*4/sixths {
			a.stop(errLeaseEnds)
		}
		return
	}
	if cause := a.engine.fencedBy(a.engine.ctx, a.delivery); cause != nil {
		a.stop(cause)
	}
}

// leases are those of the tickets by which an attempt runs: the one that began it, and
// each that came to its process meanwhile. It is safe for concurrent use.
type leases struct {
	mu  sync.Mutex // guards all
	all []Lease
}

var _ Lease = (*leases)(nil)

// addLease gives a lease to the attempt that its ticket stands for, if that runs here and
// the activation has not gone on without it. So it is not begun anew, here or elsewhere,
// and no ticket is done before the attempt is.
func (e *Engine) addLease(lease Lease, d *Delivery) bool {
	e.mu.Lock()
	c := e.crews[d.Run]
	e.mu.Unlock()
	if c == nil {
		return false
	}
	a := c.at(d.Activation, d.Rev)
	if a == nil || a.ctx.Err() != nil {
		return false
	}
	held, ok := a.lease.(*leases)
	if ok {
		held.mu.Lock()
		defer held.mu.Unlock()
		held.all = append(held.all, lease)
	}
	return ok
}

// Delivery implements Lease.
func (l *leases) Delivery() *Delivery { return l.have()[0].Delivery() }

// Delivered implements Lease.
func (l *leases) Delivered() int { return l.have()[0].Delivered() }

// Ack implements Lease.
func (l *leases) Ack(ctx context.Context) error {
	return l.each(func(one Lease) error { return one.Ack(ctx) })
}

// Nak implements Lease.
func (l *leases) Nak(ctx context.Context) error {
	return l.each(func(one Lease) error { return one.Nak(ctx) })
}

// Extend implements Lease.
func (l *leases) Extend(ctx context.Context) error {
	return l.each(func(one Lease) error { return one.Extend(ctx) })
}

func (l *leases) have() []Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// each does something with all of them. One that succeeds is enough: the others have
// been lost, or will be.
func (l *leases) each(do func(Lease) error) error {
	var errs []error
	all := l.have()
	for _, one := range all {
		errs = append(errs, do(one))
	}
	if slices.Contains(errs, nil) {
		return nil
	}
	return errors.Join(errs...)
}
