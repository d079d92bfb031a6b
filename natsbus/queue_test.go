package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// queueServer is a server of its own, with the streams of the queue.
func queueServer(tb testing.TB) *embedded.Server {
	tb.Helper()
	s, err := embedded.Start(tb.Context(), embedded.Config{Dir: tb.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Shutdown)
	b := queueBus(tb, s, Config{})
	for _, cfg := range b.streams() {
		if cfg.Name != streamTasks && cfg.Name != streamDead {
			continue
		}
		if _, err := b.js.CreateStream(tb.Context(), cfg); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func queueBus(tb testing.TB, s *embedded.Server, cfg Config) *Bus {
	tb.Helper()
	if cfg.Connect == nil {
		cfg.Connect = s.Connect
	}
	b, err := Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// queueOf is one process's queue.
func queueOf(tb testing.TB, s *embedded.Server, cfg Config) *Queue {
	tb.Helper()
	q := newQueue(queueBus(tb, s, cfg))
	tb.Cleanup(q.Close)
	return q
}

// task is a delivery of a task.
func task(activation string, t engine.Task) *engine.Delivery {
	t.ID = "t"
	return &engine.Delivery{Run: "r", Activation: activation, Attempt: 1, Rev: 3, Seq: 2, Task: &t}
}

func tasks(n int, t engine.Task) []*engine.Delivery {
	ds := make([]*engine.Delivery, n)
	for i := range ds {
		ds[i] = task(fmt.Sprintf("a%d", i), t)
	}
	return ds
}

func enqueue(tb testing.TB, q *Queue, ds ...*engine.Delivery) {
	tb.Helper()
	if err := q.Enqueue(tb.Context(), false, ds...); err != nil {
		tb.Fatal(err)
	}
}

// receiveOne expects a delivery within a time.
func receiveOne(tb testing.TB, q *Queue, within time.Duration) engine.Lease {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), within)
	defer cancel()
	l, err := q.Receive(ctx)
	if err != nil {
		tb.Fatalf("receive: %v", err)
	}
	return l
}

func ackOne(tb testing.TB, q *Queue, want string) {
	tb.Helper()
	l := receiveOne(tb, q, 5*time.Second)
	if got := l.Delivery().Activation; got != want {
		tb.Fatalf("received %q, want %q", got, want)
	}
	if err := l.Ack(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// receiveNone expects that nothing is delivered for a while.
func receiveNone(tb testing.TB, q *Queue, d time.Duration) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	defer cancel()
	if l, err := q.Receive(ctx); err == nil {
		tb.Fatalf("received %q, want nothing", l.Delivery().Activation)
	}
}

func TestQueueRoutesByQueueAndLabels(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	plain := queueOf(t, s, Config{})
	gpu := queueOf(t, s, Config{Queues: []string{"default", "heavy"}, Labels: map[string]string{"gpu": "1", "zone": "a,b=c"}})
	other := queueOf(t, s, Config{Namespace: "other", Queues: []string{"default", "heavy"}, Labels: map[string]string{"gpu": "1"}})
	owner := queueOf(t, s, Config{})
	for _, q := range []*Queue{plain, gpu, other} {
		receiveNone(t, q, 20*time.Millisecond) // they are there before the classes are
	}
	enqueue(t, owner, task("gpu", engine.Task{Requires: map[string]string{"gpu": "1"}}))
	ackOne(t, gpu, "gpu")
	enqueue(t, owner, task("zone", engine.Task{Requires: map[string]string{"gpu": "1", "zone": "a,b=c"}}))
	ackOne(t, gpu, "zone")
	enqueue(t, owner, task("heavy", engine.Task{Queue: "heavy"}))
	ackOne(t, gpu, "heavy")
	enqueue(t, owner, task("nobody", engine.Task{Requires: map[string]string{"gpu": "2"}}))
	enqueue(t, owner, task("plain", engine.Task{}))
	ackOne(t, plain, "plain")
	for _, q := range []*Queue{plain, gpu, other} {
		receiveNone(t, q, 50*time.Millisecond)
	}
	late := queueOf(t, s, Config{Labels: map[string]string{"gpu": "2"}})
	ackOne(t, late, "nobody") // it finds the class that is there already
}

func TestQueuePriorities(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q := queueOf(t, s, Config{})
	const each = 40
	var all []*engine.Delivery
	for _, p := range []engine.Priority{engine.PriorityLow, engine.PriorityNormal, engine.PriorityHigh} {
		for i := range each {
			all = append(all, task(fmt.Sprintf("%s-%d", p, i), engine.Task{Priority: p}))
		}
	}
	enqueue(t, q, all...)
	receiveNone(t, queueOf(t, s, Config{Queues: []string{"none"}}), 20*time.Millisecond)
	waitClasses(t, q, 3)
	var order []string
	for range all {
		l := receiveOne(t, q, 5*time.Second)
		kind, _, _ := strings.Cut(l.Delivery().Activation, "-")
		order = append(order, kind)
		if err := l.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	count := func(kind string, until int) (n int) {
		for _, k := range order[:until] {
			if k == kind {
				n++
			}
		}
		return n
	}
	if got := count("high", each); got < each*3/4 || got == each {
		t.Errorf("of the first %d deliveries %d are of high priority, want most, not all: %v", each, got, order)
	}
	if got := count("low", 2*each); got > each/4 {
		t.Errorf("of the first %d deliveries %d are of low priority", 2*each, got)
	}
	if last := order[len(order)-1]; last != "low" {
		t.Errorf("the last delivery is of priority %s, want low", last)
	}
}

// waitClasses waits until a queue takes from so many classes.
func waitClasses(tb testing.TB, q *Queue, n int) {
	tb.Helper()
	q.mu.Lock()
	if err := q.start(); err != nil {
		tb.Error(err)
	}
	q.mu.Unlock()
	waitUntil(tb, fmt.Sprintf("the queue takes from %d classes", n), func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.classes) == n
	})
}

// waitUntil polls: what a server has got to know shows in no other way.
func waitUntil(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within 10 s: %s", what)
		}
	}
}

// TestQueueHoardsNothing: what a slow worker has is what it executes (a prefetch of
// the client's default made 168 executions of 100 tasks).
func TestQueueHoardsNothing(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	owner := queueOf(t, s, Config{})
	slow, quick := queueOf(t, s, Config{}), queueOf(t, s, Config{})
	priorities := []engine.Priority{engine.PriorityHigh, engine.PriorityNormal, engine.PriorityLow}
	var ds []*engine.Delivery
	for i := range 99 {
		ds = append(ds, task(fmt.Sprintf("a%d", i), engine.Task{Priority: priorities[i%3]}))
	}
	enqueue(t, owner, ds[:3]...)
	waitClasses(t, slow, 3)
	waitClasses(t, quick, 3)
	held := receiveOne(t, slow, time.Second) // and it comes back for no other
	enqueue(t, owner, ds[3:]...)
	begun := time.Now()
	for range len(ds) - 1 {
		l := receiveOne(t, quick, 5*time.Second)
		if l.Delivery().Activation == held.Delivery().Activation {
			t.Fatal("received what another holds")
		}
		if err := l.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("the others took %s: some were held back", took)
	}
	if err := held.Ack(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestQueueForgetsWhoLeft: a receiver that was canceled costs no ticket a delivery.
func TestQueueForgetsWhoLeft(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	owner, gone, there := queueOf(t, s, Config{}), queueOf(t, s, Config{}), queueOf(t, s, Config{})
	enqueue(t, owner, task("first", engine.Task{}))
	ackOne(t, gone, "first")
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := gone.Receive(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("receive: %v, want canceled", err)
			}
		})
	}
	waitUntil(t, "eight pulls wait at the server", func() bool { return gone.asked() == 8 })
	cancel()
	all.Wait()
	if err := gone.bus.nc.Flush(); err != nil { // what it told its server counts
		t.Fatal(err)
	}
	for i := range 20 {
		begun := time.Now()
		enqueue(t, owner, task(fmt.Sprintf("a%d", i), engine.Task{}))
		l := receiveOne(t, there, 5*time.Second)
		if took := time.Since(begun); l.Delivered() != 1 || took > time.Second {
			t.Errorf("delivered %d times, after %s", l.Delivered(), took)
		}
		if err := l.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (q *Queue) asked() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outstanding()
}

// TestQueueRedeliversWhatTheDeadHeld cuts a worker's connection.
func TestQueueRedeliversWhatTheDeadHeld(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	const lease = time.Second
	owner := queueOf(t, s, Config{Lease: lease})
	dying := queueBus(t, s, Config{Lease: lease, Connect: func(o ...nats.Option) (*nats.Conn, error) {
		return s.Connect(append(o, nats.NoReconnect())...)
	}})
	q := newQueue(dying)
	t.Cleanup(q.Close)
	enqueue(t, owner, tasks(10, engine.Task{})...)
	for range 4 {
		receiveOne(t, q, time.Second)
	}
	begun := time.Now()
	dying.nc.Close()
	twice := 0
	for range 10 {
		l := receiveOne(t, owner, 5*time.Second)
		if l.Delivered() == 2 {
			twice++
		}
		if err := l.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(begun); twice != 4 || took > lease+time.Second {
		t.Errorf("%d tickets came again, after %s; want 4 within the lease of %s and 1 s", twice, took, lease)
	}
}

// TestQueueSurvivesConnections: a new connection begins without the pulls of the
// old one, and with the leases.
func TestQueueSurvivesConnections(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q, owner := queueOf(t, s, Config{}), queueOf(t, s, Config{})
	enqueue(t, owner, tasks(2, engine.Task{})...)
	held := receiveOne(t, q, time.Second)
	ackOne(t, q, "a1")
	got := make(chan engine.Lease)
	go func() {
		defer close(got)
		for range 3 {
			l, err := q.Receive(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			got <- l
		}
	}()
	for i := range 3 {
		if err := q.bus.nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "connected again", q.bus.nc.IsConnected)
		begun := time.Now()
		enqueue(t, owner, task(fmt.Sprintf("b%d", i), engine.Task{}))
		l := <-got
		if took := time.Since(begun); l == nil || took > 2*time.Second {
			t.Fatalf("received %v after %s", l, took)
		}
		if err := l.Ack(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := held.Ack(t.Context()); err != nil {
		t.Error(err)
	}
	waitUntil(t, "the queue is empty", func() bool {
		infos, err := owner.bus.Queues(t.Context())
		return err == nil && infos[0].Ready == 0 && infos[0].InFlight == 0
	})
}

// TestQueueCountsWithoutEnd: the server gives no ticket up by itself.
func TestQueueCountsWithoutEnd(t *testing.T) {
	t.Parallel()
	q := queueOf(t, queueServer(t), Config{})
	enqueue(t, q, task("a", engine.Task{}))
	for i := range 20 {
		l := receiveOne(t, q, 5*time.Second)
		if got, want := l.Delivered(), i+1; got != want {
			t.Fatalf("delivered %d times, want %d", got, want)
		}
		if err := l.Nak(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestQueueEnqueuesOnce: who enqueues again what is there changes nothing, also
// while it is executed; once it is acked it may come again.
func TestQueueEnqueuesOnce(t *testing.T) {
	t.Parallel()
	q := queueOf(t, queueServer(t), Config{})
	ds := tasks(3, engine.Task{})
	enqueue(t, q, ds...)
	held := receiveOne(t, q, time.Second)
	enqueue(t, q, ds...)
	ackOne(t, q, "a1")
	ackOne(t, q, "a2")
	if err := held.Ack(t.Context()); err != nil {
		t.Fatal(err)
	}
	receiveNone(t, q, 50*time.Millisecond)
	enqueue(t, q, ds[0])
	ackOne(t, q, "a0")
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	q := queueOf(t, queueServer(t), Config{})
	cfg := tasksStream(q.bus.cfg)
	cfg.MaxMsgs = 5
	if _, err := q.bus.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ds := tasks(8, engine.Task{})
	if err := q.Enqueue(t.Context(), false, ds...); !errors.Is(err, ErrFull) {
		t.Fatalf("enqueue 8 of 5: %v, want %v", err, ErrFull)
	}
	for i := range 5 {
		ackOne(t, q, fmt.Sprintf("a%d", i))
	}
	waitUntil(t, "there is room", func() bool { return q.Enqueue(t.Context(), false, ds[5:]...) == nil })
	for i := range 3 {
		ackOne(t, q, fmt.Sprintf("a%d", i+5))
	}
}

func TestQueueCloses(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q, other := queueOf(t, s, Config{}), queueOf(t, s, Config{})
	enqueue(t, q, task("a", engine.Task{}))
	held := receiveOne(t, q, time.Second)
	ended := make(chan error)
	go func() {
		_, err := q.Receive(t.Context())
		ended <- err
	}()
	waitUntil(t, "it waits", func() bool { return q.asked() == 1 })
	q.Close()
	if err := <-ended; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("receive from a closed queue: %v", err)
	}
	if _, err := q.Receive(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("receive from a closed queue: %v", err)
	}
	if err := held.Nak(t.Context()); err != nil {
		t.Error(err)
	}
	ackOne(t, other, "a")
}

func TestQueueLimit(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q := queueOf(t, s, Config{})
	high := engine.Task{Priority: engine.PriorityHigh}
	if err := q.bus.SetQueueLimit(t.Context(), "", 2); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, tasks(4, high)...) // a class that came after the limit
	waitClasses(t, q, 2)
	a, b := receiveOne(t, q, time.Second), receiveOne(t, queueOf(t, s, Config{}), time.Second)
	receiveNone(t, q, 100*time.Millisecond)
	infos, err := q.bus.Queues(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 2 || infos[0].Priority != engine.PriorityHigh || infos[0].Limit != 2 || infos[0].InFlight != 2 || infos[0].Ready != 2 || infos[0].Oldest <= 0 {
		t.Errorf("queues %+v, want the high one with 2 of 4 in flight", infos)
	}
	if err := a.Ack(t.Context()); err != nil {
		t.Error(err)
	}
	ackOne(t, q, "a2")
	if err := q.bus.SetQueueLimit(t.Context(), "", 0); err != nil {
		t.Fatal(err)
	}
	ackOne(t, q, "a3")
	if err := b.Ack(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestQueuePurge(t *testing.T) {
	t.Parallel()
	q := queueOf(t, queueServer(t), Config{})
	ds := tasks(4, engine.Task{})
	ds[1].Rev = 7
	ds[3].Run = "other"
	enqueue(t, q, ds...)
	for _, c := range []struct {
		run, activation string
		rev             uint64
		left            int
	}{
		{"none", "", 0, 4},
		{"r", "a1", 3, 4},
		{"r", "a1", 7, 3},
		{"r", "a0", 0, 2},
		{"r", "", 0, 1},
	} {
		if err := q.Purge(t.Context(), c.run, c.activation, c.rev); err != nil {
			t.Fatal(err)
		}
		infos, err := q.bus.Queues(t.Context())
		if err != nil || int(infos[0].Ready) != c.left {
			t.Errorf("after purge of %+v: %+v, %v", c, infos, err)
		}
	}
	ackOne(t, q, "a3")
}

// TestQueueBuriesWhatIsNoTicket: acceptance 91.
func TestQueueBuriesWhatIsNoTicket(t *testing.T) {
	t.Parallel()
	q := queueOf(t, queueServer(t), Config{})
	enqueue(t, q, task("before", engine.Task{}))
	prefix := classOf(nil).prefix(q.bus.cfg.Namespace)
	for i, bad := range []string{"{not json", "", "{}", "\xff\xfe"} {
		if _, err := q.bus.js.Publish(t.Context(), fmt.Sprintf("%s._r._bad.%d", prefix, i), []byte(bad)); err != nil {
			t.Fatal(err)
		}
	}
	enqueue(t, q, task("after", engine.Task{}))
	ackOne(t, q, "before")
	ackOne(t, q, "after")
	var dead []DeadLetter
	waitUntil(t, "four dead letters", func() bool {
		var err error
		if dead, err = q.bus.DeadLetters(t.Context(), 0, 10); err != nil {
			t.Fatal(err)
		}
		return len(dead) == 4
	})
	if !slices.ContainsFunc(dead, func(l DeadLetter) bool {
		return string(l.Data) == `"{not json"` && strings.Contains(l.Reason, "read a ticket") && strings.Contains(l.Reason, "._r._bad.0")
	}) {
		t.Errorf("dead letters %+v, want one with the bytes and the reason", dead)
	}
	waitUntil(t, "the queue is empty", func() bool {
		infos, err := q.bus.Queues(t.Context())
		return err == nil && infos[0].Ready == 0 && infos[0].InFlight == 0
	})
}
