package natsbus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// Queue is the work queue of a cluster, an [engine.Queue]. Tickets are of classes:
// a queue, the labels that they require, a priority. This process takes those whose
// queue is among Config.Queues and whose labels are among Config.Labels; it learns
// of new classes by itself.
//
// Of tickets that wait, those of a higher priority come first, but of nine
// deliveries one is of the next lower priority that has any: high is served 8 times
// as often as normal and 64 times as often as low. That is kept by each process for
// itself, and a ticket that came within the last 2 ms may have to wait for the next
// turn.
//
// A Queue that has received runs a few goroutines, until Close.
type Queue struct {
	bus  *Bus
	wire wire
	js   jetstream.JetStream // with its own publishes in flight

	kick chan struct{} // there is something for pump to see
	quit chan struct{} // closed by Close
	over chan struct{} // closed when no ticket comes any more, once it is closed
	all  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	ensured  map[class]time.Time
	started  bool
	closed   bool
	inbox    *nats.Subscription
	told     *nats.Subscription
	waiting  []chan *lease // receivers, each with room for what it waits for
	surplus  []*lease      // arrived when nobody waited
	classes  []*source
	taken    int                // classes, ever: their indexes
	byName   map[string]*source // consumer → class
	served   float64            // the turn of the class that was served last
	full     time.Time          // since when nobody waits
	round    time.Time          // since when probes find nothing; zero: none is under way
	rotated  time.Time          // when pulls were last taken for old
	rotation int                // counts those times
}

var _ engine.Queue = (*Queue)(nil)

// newQueue returns a queue that does nothing until it is used.
func newQueue(b *Bus) *Queue {
	js, err := jetstream.New(b.nc, jetstream.WithPublishAsyncMaxPending(1<<17), jetstream.WithPublishAsyncTimeout(enqueueTimeout))
	if err != nil {
		panic(fmt.Sprintf("jetstream: %v", err)) // the options are constants
	}
	return &Queue{
		bus: b, wire: connection{b.nc}, js: js,
		kick: make(chan struct{}, 1), quit: make(chan struct{}), over: make(chan struct{}),
		ensured: map[class]time.Time{}, byName: map[string]*source{},
	}
}

// untilClose is a context of a goroutine of the queue's: it ends with Close.
func (q *Queue) untilClose() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	q.all.Go(func() {
		select {
		case <-q.quit:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// Close gives back what nobody has received, and ends the goroutines. Who waits in
// Receive gets engine.ErrClosed. Leases stay valid. For a user with an account of its
// own it takes up to a second: what the process has asked for can't be taken back.
func (q *Queue) Close() {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return
	}
	q.closed = true
	close(q.quit)
	q.giveBack()
	started := q.started
	q.tellOver()
	q.mu.Unlock()
	if started {
		_ = q.told.Unsubscribe()
		q.awaitPulls()
		q.wire.leave(q.inbox) // what is on its way is given back by arrived
	}
	q.all.Wait()
}

// Receive returns the next ticket that this process can take, as a delivery with no
// more than its Run, Activation, Attempt, Rev, Seq and the ID of its Task. It
// blocks until there is one; ctx's error, or engine.ErrClosed, end it. Any number of
// goroutines may call it; the queue asks for as many tickets as there are callers,
// and gives back at once what came for a caller that left.
func (q *Queue) Receive(ctx context.Context) (engine.Lease, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, mine, err := q.enter() //nolint:contextcheck // what it starts lives until Close
	if l != nil || err != nil {
		return l, err
	}
	q.wake()
	select {
	case l := <-mine:
		return l, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-q.quit:
		err = engine.ErrClosed
	}
	q.leave(mine)
	return nil, err
}

// enter takes from the surplus, or begins to wait.
func (q *Queue) enter() (engine.Lease, chan *lease, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.start(); err != nil {
		return nil, nil, err
	}
	for len(q.surplus) > 0 {
		l := q.surplus[0]
		q.surplus = q.surplus[1:]
		if time.Since(epoch) < time.Duration(l.until.Load())-l.term/2 { // else it is old already
			return l, nil, nil
		}
		l.drop()
	}
	mine := make(chan *lease, 1)
	q.waiting = append(q.waiting, mine)
	return nil, mine, nil
}

// leave gives up waiting. What came meanwhile is for another, and pulls that nobody
// waits for any more are canceled.
func (q *Queue) leave(mine chan *lease) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range q.waiting {
		if w == mine {
			q.waiting = append(q.waiting[:i], q.waiting[i+1:]...)
			break
		}
	}
	if len(q.waiting) == 0 {
		q.full = time.Time{} // who leaves does not come back soon
	}
	select {
	case l := <-mine:
		q.give(l, nil)
	default:
	}
	if !q.closed && q.outstanding() > len(q.waiting) {
		q.cancelPulls()
	}
	q.wake()
}

// wake has pump look.
func (q *Queue) wake() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// start begins to listen. The caller holds mu.
func (q *Queue) start() error {
	if q.closed {
		return engine.ErrClosed
	}
	if q.started {
		return nil
	}
	if err := q.listen(); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	news := make(chan *nats.Msg, 64)
	told, err := q.bus.nc.ChanSubscribe(q.bus.classSubject(), news)
	if err != nil {
		return errors.Join(fmt.Errorf("receive: %w", translate(err)), q.inbox.Unsubscribe())
	}
	q.told, q.started, q.rotated = told, true, time.Now()
	q.all.Go(q.pump)
	q.all.Go(func() { q.discover(news) })
	return nil
}

// give hands a lease to who waits, or keeps it as surplus, or gives it back. The
// caller holds mu.
func (q *Queue) give(l *lease, from *source) {
	if n := len(q.waiting); n > 0 && !q.closed {
		w := q.waiting[0]
		q.waiting = q.waiting[1:]
		w <- l
		if n == 1 {
			q.full = time.Now()
		}
		return
	}
	if from != nil && !q.closed && time.Since(q.full) < holdTime && len(q.surplus) < len(q.classes) {
		q.surplus = append(q.surplus, l)
		q.wake() // to give it back in time
		return
	}
	l.drop()
}

// giveBack returns the surplus to the server. The caller holds mu.
func (q *Queue) giveBack() {
	for _, l := range q.surplus {
		l.drop()
	}
	q.surplus = nil
}
