package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// facade is the backend as one process has it. What it stores is the world's.
type facade struct{ *process }

var (
	_ engine.Journal = facade{}
	_ engine.Queue   = facade{}
	_ engine.Timers  = facade{}
	_ engine.Blobs   = blobs{}
)

// Append implements engine.Journal.
func (f facade) Append(_ context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	var seq uint64
	err := f.park(&call{
		op: opAppend, key: fmt.Sprintf("%s %q attempt %d after %d", e.Type, e.Activation, e.Attempt, expect),
		commits: chain != "" && e.Reason == "" && e.Type != engine.EventAnswered,
		do:      func() (err error) { seq, err = f.world.append(run, chain, expect, e); return err },
	})
	e.Seq = seq
	return seq, err
}

// journal is one run's.
type journal struct {
	events []*engine.Event
	last   map[string]uint64
}

// journal is that of a run; that of the simulated one is log.
func (w *world) journal(run string) *journal {
	j := w.journals[run]
	if j == nil {
		j = &journal{last: map[string]uint64{}}
		w.journals[run] = j
	}
	return j
}

// append adds an event to a run's journal, as it comes out of its encoding.
func (w *world) append(run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	j := w.journal(run)
	if j.last[chain] != expect {
		return 0, engine.ErrConflict
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	stored := &engine.Event{}
	if err := json.Unmarshal(raw, stored); err != nil {
		return 0, err
	}
	stored.Seq = uint64(len(j.events)) + 1
	j.events = append(j.events, stored)
	j.last[chain] = stored.Seq
	switch run {
	case w.next:
		w.moved(stored)
		return stored.Seq, nil
	case w.forgotten: // late, and nobody reads it any more
		return stored.Seq, nil
	}
	w.checkEvent(chain, stored)
	return stored.Seq, nil
}

// Read implements engine.Journal.
func (f facade) Read(_ context.Context, run string, after uint64) (events []*engine.Event, err error) {
	err = f.park(&call{op: opRead, key: fmt.Sprintf("%s after %d", run, after), do: func() error {
		log := f.world.journal(run).events
		if n := uint64(len(log)); after < n {
			events = log[after:n:n]
			if f.world.short {
				events, f.world.short = events[:1:1], false
			}
		}
		return nil
	}})
	return events, err
}

// Last implements engine.Journal.
func (f facade) Last(_ context.Context, run, chain string) (seq uint64, err error) {
	err = f.park(&call{op: opRead, key: "last of " + chain, do: func() error {
		seq = f.world.journal(run).last[chain]
		return nil
	}})
	return seq, err
}

// Trim implements engine.Journal: all that may be dropped is.
func (f facade) Trim(_ context.Context, run string, through uint64) error {
	return f.park(&call{op: opRead, key: fmt.Sprintf("trim %s through %d", run, through), do: func() error {
		w, j := f.world, f.world.journal(run)
		for _, e := range j.events[:through] {
			if ended := e.Type == engine.EventCompleted || e.Type == engine.EventStopped; ended && j.last[e.Activation] == e.Seq {
				delete(j.last, e.Activation)
				w.dropped[e.Activation] = true
			}
		}
		return nil
	}})
}

// Forget implements engine.Journal.
func (f facade) Forget(_ context.Context, run string) error {
	return f.park(&call{op: opRead, key: "forget " + run, do: func() error {
		f.world.forgotten = run
		return nil
	}})
}

// queue holds deliveries: of one process, or of all.
type queue struct {
	ready, held []*item
	enqueued    int
}

// item is a delivery in a queue.
type item struct {
	delivery *engine.Delivery
	number   int
	holder   int // counts who received it
	count    int // of deliveries
	by       *process
}

// lease is one holder's.
type lease struct {
	*item
	f      facade
	queue  *queue
	holder int
}

var _ engine.Lease = lease{}

// Enqueue implements engine.Queue.
func (f facade) Enqueue(_ context.Context, _ bool, ds ...*engine.Delivery) error {
	key := ""
	for _, d := range ds {
		key += fmt.Sprintf("%s attempt %d,", d.Activation, d.Attempt)
	}
	return f.park(&call{op: opEnqueue, key: key, do: func() error {
		q := f.queue
		for _, d := range ds {
			f.world.checkEnqueue(f.process, d)
			q.enqueued++
			q.ready = append(q.ready, &item{delivery: d, number: q.enqueued})
		}
		return nil
	}})
}

// Receive implements engine.Queue.
func (f facade) Receive(ctx context.Context) (engine.Lease, error) {
	l := lease{f: f, queue: f.queue}
	err := f.parkUntil(ctx.Done(), &call{
		op: opReceive, ready: func() bool { return len(f.queue.ready) > 0 },
		do: func() error {
			l.item = f.queue.take(f.world.takes.index(len(f.queue.ready)), f.process)
			l.holder = l.item.holder
			return nil
		},
	})
	switch {
	case errors.Is(err, errWithdrawn):
		return nil, ctx.Err()
	case err != nil:
		return nil, err
	}
	return l, nil
}

func (q *queue) take(i int, by *process) *item {
	it := q.ready[i]
	q.ready = slices.Delete(slices.Clone(q.ready), i, i+1)
	it.holder++
	it.count++
	it.by = by
	q.held = append(q.held, it)
	return it
}

// expire takes a held delivery from its holder.
func (q *queue) expire(it *item) {
	q.held = slices.DeleteFunc(slices.Clone(q.held), func(x *item) bool { return x == it })
	it.holder++
	q.ready = append([]*item{it}, q.ready...)
}

func (l lease) holds() bool {
	return l.item.holder == l.holder && slices.Contains(l.queue.held, l.item)
}

// Delivery implements engine.Lease.
func (l lease) Delivery() *engine.Delivery { return l.delivery }

// Delivered implements engine.Lease.
func (l lease) Delivered() int { return l.count }

// Ack implements engine.Lease.
func (l lease) Ack(context.Context) error {
	d := l.delivery
	return l.f.park(&call{op: opAck, key: fmt.Sprintf("%s attempt %d (%d)", d.Activation, d.Attempt, l.holder), do: func() error {
		if !l.holds() {
			return engine.ErrLeaseLost
		}
		l.queue.held = slices.DeleteFunc(slices.Clone(l.queue.held), func(x *item) bool { return x == l.item })
		return nil
	}})
}

// Nak implements engine.Lease.
func (l lease) Nak(context.Context) error {
	w := l.f.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.f.dead {
		return errCrashed
	}
	if !l.holds() {
		return engine.ErrLeaseLost
	}
	l.queue.expire(l.item)
	return nil
}

// Extend implements engine.Lease. When leases end is the scheduler's to say.
func (l lease) Extend(context.Context) error {
	w := l.f.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.f.dead || !l.holds() {
		return engine.ErrLeaseLost
	}
	return nil
}

// timer is one that a process has started.
type timer struct {
	proc    *process
	number  int
	due     time.Time
	f       func()
	stopped bool
}

// After implements engine.Timers.
func (f facade) After(d time.Duration, fire func()) (stop func()) {
	w := f.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.dead {
		return func() {}
	}
	f.started++
	t := &timer{proc: f.process, number: f.started, due: time.Now().Add(d), f: fire}
	w.timers = append(w.timers, t)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		t.stopped = true
	}
}

// blobs are the in-memory ones, as one process has them.
type blobs struct {
	*process
	kept engine.Blobs
}

func (b blobs) alive() error {
	b.world.mu.Lock()
	defer b.world.mu.Unlock()
	if b.dead {
		return errCrashed
	}
	return nil
}

// Put implements engine.Blobs.
func (b blobs) Put(ctx context.Context, run string, r io.Reader) (string, int64, error) {
	if err := b.alive(); err != nil {
		return "", 0, err
	}
	return b.kept.Put(ctx, run, r)
}

// Open implements engine.Blobs.
func (b blobs) Open(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	if err := b.alive(); err != nil {
		return nil, err
	}
	return b.kept.Open(ctx, run, digest)
}

// Forget implements engine.Blobs.
func (b blobs) Forget(ctx context.Context, run string) error {
	if err := b.alive(); err != nil {
		return err
	}
	return b.kept.Forget(ctx, run)
}
