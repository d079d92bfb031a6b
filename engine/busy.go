package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrBusy is a queue that takes no more for now. A run is not begun then; what a run
// that goes on has ready is enqueued later.
var ErrBusy = errors.New("the queue is full")

// Pauses of a run whose queue is busy begin with the first, and double up to the
// longest.
const (
	busyFirst   = 100 * time.Millisecond
	busyLongest = 5 * time.Second
)

// busyKey is the timer of what is to be enqueued later. No activation has the name.
const busyKey = "!busy"

// enqueue carries ready activations to the queue. While it is busy what is there is
// kept, and enqueued with what follows. The caller holds mu.
func (o *Running) enqueue(receiving bool, ready []*Delivery) error {
	if len(o.queued) > 0 {
		ready = append(slices.DeleteFunc(o.queued, o.unwanted), ready...)
		o.queued = nil
	}
	if o.ended {
		return nil
	}
	var err error
	if len(ready) > 0 {
		err = o.engine.backend.Queue.Enqueue(o.engine.ctx, receiving, ready...)
	}
	switch {
	case errors.Is(err, ErrBusy):
		o.queued = ready
		o.enqueueLater(err)
		return nil
	case err != nil:
		return fmt.Errorf("run %q: enqueue: %w", o.id, err)
	}
	if o.busy > 0 {
		o.engine.cfg.Logger.Info("the queue takes tasks again", "run", o.id)
	}
	o.busy = 0
	return nil
}

// unwanted tells that a delivery is not to be made any more.
func (o *Running) unwanted(d *Delivery) bool {
	act := o.run.live[d.Activation]
	return act == nil || act.stopping
}

// enqueueLater begins a pause, and says so once. The caller holds mu.
func (o *Running) enqueueLater(err error) {
	if o.busy == 0 {
		o.engine.cfg.Logger.Warn("tasks of a run wait until the queue has room", "run", o.id, "err", err)
	}
	o.busy = min(max(2*o.busy, busyFirst), busyLongest)
	o.setTimer(busyKey, o.busy, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.closed() == nil {
			_ = o.giveUpOn(o.enqueue(false, nil)) // said by who waits
		}
	})
}
