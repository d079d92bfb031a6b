package flowtest

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/graflow/graflow-wasm/engine"
)

// Enqueue implements engine.Queue.
func (w *world) Enqueue(_ context.Context, _ bool, ds ...*engine.Delivery) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ready = append(w.ready, ds...)
	return nil // whoever calls is awake, and steps later
}

// Receive implements engine.Queue.
func (w *world) Receive(ctx context.Context) (engine.Lease, error) {
	r := &receiver{got: make(chan *engine.Delivery, 1)}
	w.mu.Lock()
	w.receivers = append(w.receivers, r)
	w.step()
	w.mu.Unlock()
	select {
	case d := <-r.got:
		return &lease{world: w, delivery: d}, nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.receivers = slices.DeleteFunc(w.receivers, func(other *receiver) bool { return other == r })
	select {
	case d := <-r.got:
		w.ready = slices.Insert(w.ready, 0, d)
	default:
	}
	return nil, ctx.Err()
}

// lease is a delivery that a worker of this process has: it does not run out.
type lease struct {
	world    *world
	delivery *engine.Delivery
	done     atomic.Bool
}

var _ engine.Lease = (*lease)(nil)

// Delivery implements engine.Lease.
func (l *lease) Delivery() *engine.Delivery { return l.delivery }

// Delivered implements engine.Lease.
func (l *lease) Delivered() int { return 1 }

// Ack implements engine.Lease.
func (l *lease) Ack(context.Context) error {
	if l.done.Swap(true) {
		return engine.ErrLeaseLost
	}
	return nil
}

// Nak implements engine.Lease.
func (l *lease) Nak(context.Context) error {
	if l.done.Swap(true) {
		return engine.ErrLeaseLost
	}
	l.world.mu.Lock()
	defer l.world.mu.Unlock()
	l.world.ready = slices.Insert(l.world.ready, 0, l.delivery)
	return nil
}

// Extend implements engine.Lease.
func (l *lease) Extend(context.Context) error {
	if l.done.Load() {
		return engine.ErrLeaseLost
	}
	return nil
}
