package engine

import (
	"context"
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
