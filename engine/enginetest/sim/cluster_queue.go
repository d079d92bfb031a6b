package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// tickets are what is queued. The cluster's mu guards them.
type tickets struct {
	all  []*ticket
	wake chan struct{} // closed when one may be taken
}

// ticket is one delivery of an attempt.
type ticket struct {
	delivery *engine.Delivery
	from     time.Time // before that it is on its way
	holder   int       // counts who received it
	held     bool
	by       *node // who received it last
	extended time.Time
	expires  time.Time
	acked    bool // by who holds it, but that did not come
	rivals   bool // there was another like it at the same time
	count    int  // of deliveries
}

// ring wakes who waits for a ticket. The caller holds mu.
func (w *cluster) ring() {
	close(w.queue.wake)
	w.queue.wake = make(chan struct{})
}

// Enqueue implements engine.Queue: a ticket that is there already is not added again.
func (f clusterFacade) Enqueue(_ context.Context, _ bool, ds ...*engine.Delivery) error {
	w := f.w
	for _, d := range ds {
		key := fmt.Sprintf("enqueue %s %s attempt %d rev %d", d.Run, d.Activation, d.Attempt, d.Rev)
		if err := f.call(key); err != nil {
			return err
		}
		if f.strikes(troubleEnqueueFails, key) {
			return f.back(key, errStorage)
		}
		w.enqueue(f.node, d, key)
		if f.strikes(troubleEnqueueLies, key) {
			return f.back(key, errStorage)
		}
	}
	return f.back("enqueue", nil)
}

func (w *cluster) enqueue(n *node, d *engine.Delivery, key string) {
	late, doubled := time.Duration(0), w.strikes(troubleDuplicate, key)
	if w.strikes(troubleTicketLate, key) {
		late = w.dice.span(20*time.Second, "late "+key)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book(d.Run).checkEnqueue(n, d)
	same := func(t *ticket) bool {
		return t.delivery.Run == d.Run && t.delivery.Activation == d.Activation && t.delivery.Rev == d.Rev
	}
	if slices.ContainsFunc(w.queue.all, same) && !doubled {
		return
	}
	w.sayf("%s %s", n.name, key)
	w.put(d, late)
	if doubled {
		w.put(d, 0)
	}
	for _, t := range w.queue.all {
		t.rivals = t.rivals || doubled && same(t)
	}
}

// put adds a ticket. The caller holds mu.
func (w *cluster) put(d *engine.Delivery, late time.Duration) {
	bare := &engine.Delivery{Run: d.Run, Activation: d.Activation, Attempt: d.Attempt, Rev: d.Rev, Seq: d.Seq}
	w.queue.all = append(w.queue.all, &ticket{delivery: bare, from: time.Now().Add(late)})
	w.ring()
	if late > 0 {
		w.after(late, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.ring()
		})
	}
}

// Receive implements engine.Queue.
func (f clusterFacade) Receive(ctx context.Context) (engine.Lease, error) {
	if err := f.call("receive"); err != nil {
		return nil, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, wake := f.w.take(f)
		if l != nil {
			return l, f.back(l.key("received"), nil)
		}
		select {
		case <-wake: // the others, too: who is first is not left to the runtime
			time.Sleep(f.w.hop("woken " + f.name))
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-f.gone:
			return nil, errCrashed
		}
	}
}

// take begins the lease of the first ticket that is there.
func (w *cluster) take(f clusterFacade) (*clusterLeased, chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.dead {
		return nil, w.queue.wake
	}
	now := time.Now()
	for _, t := range w.queue.all {
		if t.held || t.from.After(now) {
			continue
		}
		t.held, t.by, t.acked = true, f.node, false
		t.holder++
		t.count++
		t.extended, t.expires = now, now.Add(clusterLease)
		w.watch(t, t.holder, clusterLease)
		w.book(t.delivery.Run).takes(f.node, t)
		w.sayf("%s takes %s rev %d, time %d", f.name, t.delivery.Activation, t.delivery.Rev, t.count)
		return &clusterLeased{ticket: t, f: f, holder: t.holder, count: t.count, at: now}, nil
	}
	return nil, w.queue.wake
}

// watch gives a ticket back once its lease has run out.
func (w *cluster) watch(t *ticket, holder int, d time.Duration) {
	w.after(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !t.held || t.holder != holder || !slices.Contains(w.queue.all, t) {
			return
		}
		if left := time.Until(t.expires); left > 0 {
			w.watch(t, holder, left)
			return
		}
		w.runsOut(t)
		w.giveBack(t)
	})
}

// runsOut wants a lease to run out for a reason: its holder is not well, or was not
// since it extended it last, or there is another ticket of the attempt, or was: whoever
// is not the first to commit leaves his to run out. The caller holds mu.
func (w *cluster) runsOut(t *ticket) {
	n := t.by
	ill := n.dead || n.leaving || n.thaw != nil || !n.troubled.Before(t.extended) || w.c.has(troubleReadLags)
	if !ill && !t.acked && t.count == 1 && !t.rivals {
		w.breaks("lease", "the lease of %s rev %d ran out, and %s, which holds it, is well", attemptKey(t.delivery.Activation, t.delivery.Attempt), t.delivery.Rev, n.name)
	}
}

// giveBack lets others have a ticket, before newer ones. The caller holds mu.
func (w *cluster) giveBack(t *ticket) {
	t.held = false
	t.holder++
	w.ring()
}

// clusterLeased is one holder's.
type clusterLeased struct {
	*ticket
	f      clusterFacade
	holder int
	count  int
	at     time.Time
}

var _ engine.Lease = (*clusterLeased)(nil)

// holds does something if the lease is held.
func (l *clusterLeased) holds(do func()) error {
	w := l.f.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if !l.held || l.ticket.holder != l.holder || !slices.Contains(w.queue.all, l.ticket) {
		return engine.ErrLeaseLost
	}
	do()
	return nil
}

// Delivery implements engine.Lease.
func (l *clusterLeased) Delivery() *engine.Delivery { return l.delivery }

// Delivered implements engine.Lease.
func (l *clusterLeased) Delivered() int { return l.count }

func (l *clusterLeased) key(op string) string {
	return fmt.Sprintf("%s %s rev %d", op, l.delivery.Activation, l.delivery.Rev)
}

// Ack implements engine.Lease.
func (l *clusterLeased) Ack(context.Context) error {
	w, key := l.f.w, l.key("ack")
	if err := l.f.call(key); err != nil {
		return err
	}
	switch {
	case l.f.strikes(troubleAckLost, key):
		_ = l.holds(func() { l.acked = true })
		return l.f.back(key, errStorage)
	case l.f.strikes(troubleAckForgotten, key):
		_ = l.holds(func() { l.acked = true }) // it is not extended any more
		return l.f.back(key, nil)
	}
	return l.f.back(key, l.holds(func() {
		w.queue.all = slices.DeleteFunc(w.queue.all, func(t *ticket) bool { return t == l.ticket })
	}))
}

// Nak implements engine.Lease.
func (l *clusterLeased) Nak(context.Context) error {
	if err := l.f.call(l.key("nak")); err != nil {
		return err
	}
	return l.f.back(l.key("nak"), l.holds(func() { l.f.w.giveBack(l.ticket) }))
}

// Extend implements engine.Lease.
func (l *clusterLeased) Extend(ctx context.Context) error {
	key := l.key("extend")
	if err := l.f.call(key); err != nil {
		return err
	}
	if l.f.strikes(troubleExtendFails, key) {
		return l.f.back(key, errStorage)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.f.back(key, l.holds(func() { l.extended, l.expires = time.Now(), time.Now().Add(clusterLease) }))
}

// Purge drops tickets that nobody is to take any more.
func (f clusterFacade) Purge(_ context.Context, run, activation string, rev uint64) error {
	w := f.w
	key := fmt.Sprintf("purge %s %s rev %d", run, activation, rev)
	if err := f.call(key); err != nil {
		return err
	}
	purge := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.queue.all = slices.DeleteFunc(w.queue.all, func(t *ticket) bool {
			d := t.delivery
			return d.Run == run && (activation == "" || d.Activation == activation) && (rev == 0 || d.Rev == rev)
		})
	}
	switch {
	case f.strikes(troublePurgeNever, key):
		return f.back(key, errStorage)
	case f.strikes(troublePurgeLate, key):
		w.after(w.dice.span(3*time.Second, "late "+key), purge)
		return f.back(key, nil)
	}
	purge()
	return f.back(key, nil)
}
