package engine

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// memQueue is a Queue in memory: FIFO, with leases that all last equally long,
// so that those held are in order of expiry. It is safe for concurrent use.
type memQueue struct {
	lease time.Duration

	mu      sync.Mutex // guards what follows
	ready   []*memLease
	head    int
	again   []*memLease // came back: before the ready ones
	held    list.List   // of *memLease, the next to expire first
	waiting []chan struct{}
	timer   *time.Timer // for the first of held
}

// memLease is a delivery, and the lease of who holds it.
type memLease struct {
	queue    *memQueue
	delivery *Delivery
	holder   uint64 // counts takings and givings: a token of an old one is refused
	count    int    // of deliveries
	expires  time.Time
	element  *list.Element // in held; nil when not held
}

// memToken is one holder's view of a memLease.
type memToken struct {
	*memLease
	holder uint64
}

var (
	_ Queue = (*memQueue)(nil)
	_ Lease = memToken{}
)

func newMemQueue(lease time.Duration) *memQueue { return &memQueue{lease: lease} }

func (q *memQueue) Enqueue(_ context.Context, receiving bool, ds ...*Delivery) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, d := range ds {
		q.ready = append(q.ready, &memLease{queue: q, delivery: d})
	}
	n := len(ds)
	if receiving {
		n--
	}
	q.wake(n)
	return nil
}

// wake wakes up to n waiting receivers. The caller holds mu.
func (q *memQueue) wake(n int) {
	for ; n > 0 && len(q.waiting) > 0; n-- {
		last := len(q.waiting) - 1
		close(q.waiting[last])
		q.waiting = q.waiting[:last]
	}
}

func (q *memQueue) Receive(ctx context.Context) (Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for { // who was woken takes what it was woken for, canceled or not
		q.mu.Lock()
		if l := q.take(); l != nil {
			if q.size() > 0 {
				q.wake(1)
			}
			t := memToken{l, l.holder}
			q.mu.Unlock()
			return t, nil
		}
		wake := make(chan struct{})
		q.waiting = append(q.waiting, wake)
		q.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			q.leave(wake)
			return nil, ctx.Err()
		}
	}
}

// leave gives up waiting; a wake-up that came meanwhile is passed on.
func (q *memQueue) leave(wake chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == wake {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			return
		}
	}
	q.wake(1)
}

func (q *memQueue) size() int { return len(q.ready) - q.head + len(q.again) }

// take begins the lease of the next delivery; nil is none. The caller holds mu.
func (q *memQueue) take() *memLease {
	var l *memLease
	switch {
	case len(q.again) > 0:
		l, q.again = q.again[0], q.again[1:]
	case q.head < len(q.ready):
		l = q.ready[q.head]
		q.ready[q.head] = nil
		if q.head++; q.head == len(q.ready) {
			q.ready, q.head = q.ready[:0], 0
		}
	default:
		return nil
	}
	l.holder++
	l.count++
	l.expires = time.Now().Add(q.lease)
	l.element = q.held.PushBack(l)
	q.arm()
	return l
}

// arm sets the timer for the first lease to expire. The caller holds mu.
func (q *memQueue) arm() {
	if q.timer != nil || q.held.Len() == 0 {
		return
	}
	first := q.held.Front().Value.(*memLease)
	q.timer = time.AfterFunc(time.Until(first.expires), q.expire)
}

// expire takes back the leases that have run out.
func (q *memQueue) expire() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timer = nil
	now, n := time.Now(), 0
	for e := q.held.Front(); e != nil; e = q.held.Front() {
		l := e.Value.(*memLease)
		if l.expires.After(now) {
			break
		}
		q.giveBack(l)
		n++
	}
	q.wake(n)
	q.arm()
}

func (q *memQueue) giveBack(l *memLease) {
	q.held.Remove(l.element)
	l.element = nil
	l.holder++
	q.again = append(q.again, l)
}

// holds runs f under the queue's lock if the token still holds its delivery.
func (t memToken) holds(f func()) error {
	t.queue.mu.Lock()
	defer t.queue.mu.Unlock()
	if t.element == nil || t.memLease.holder != t.holder {
		return ErrLeaseLost
	}
	f()
	return nil
}

func (t memToken) Delivery() *Delivery { return t.delivery }

func (t memToken) Delivered() int {
	t.queue.mu.Lock()
	defer t.queue.mu.Unlock()
	return t.count
}

func (t memToken) Ack(context.Context) error {
	return t.holds(func() {
		t.queue.held.Remove(t.element)
		t.element = nil // the timer finds out when it fires: one a lease, not one a task
	})
}

func (t memToken) Nak(context.Context) error {
	return t.holds(func() {
		t.queue.giveBack(t.memLease)
		t.queue.wake(1)
	})
}

func (t memToken) Extend(context.Context) error {
	return t.holds(func() {
		t.expires = time.Now().Add(t.queue.lease)
		t.queue.held.MoveToBack(t.element)
	})
}
