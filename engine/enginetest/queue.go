package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var queueCases = []testCase{
	{"first in, first out", queueOrder},
	{"deliveries come as they were", queueRoundTrip},
	{"receive blocks until there is one", queueBlocks},
	{"receive ends with its context", queueContext},
	{"acked is done", queueAck},
	{"given back comes first", queueNak},
	{"expired lease", queueExpiry},
	{"extended lease", queueExtend},
	{"receiving loses no wake-up", queueReceiving},
	{"canceled receivers lose no wake-up", queueCanceledReceivers},
	{"each delivery once", queueOnce},
}

func delivery(activation string) *engine.Delivery {
	return &engine.Delivery{Run: "r", Activation: activation, Task: &engine.Task{ID: "t"}, Attempt: 1, Cycle: 1, Input: json.RawMessage("null")}
}

func enqueue(t *testing.T, s Suite, q engine.Queue, activations ...string) {
	t.Helper()
	ds := make([]*engine.Delivery, len(activations))
	for i, a := range activations {
		ds[i] = delivery(a)
	}
	check(t, q.Enqueue(s.patient(t), false, ds...))
}

// receive expects a delivery.
func receive(t *testing.T, s Suite, q engine.Queue, want string) engine.Lease {
	t.Helper()
	l, err := q.Receive(s.patient(t))
	if err != nil {
		t.Fatalf("receive: %v, want %q", err, want)
	}
	if got := l.Delivery().Activation; got != want {
		t.Fatalf("received %q, want %q", got, want)
	}
	return l
}

// empty expects that nothing is delivered for a while.
func empty(t *testing.T, q engine.Queue, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	l, err := q.Receive(ctx)
	if err == nil {
		t.Fatalf("received %q, want nothing", l.Delivery().Activation)
	}
	wantError(t, "receive from an empty queue", err, context.DeadlineExceeded)
}

func queueOrder(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	enqueue(t, s, b.Queue, "a", "b", "c")
	enqueue(t, s, b.Queue, "d")
	check(t, receive(t, s, b.Queue, "a").Ack(t.Context()))
	enqueue(t, s, b.Queue, "e")
	for _, want := range []string{"b", "c", "d", "e"} {
		check(t, receive(t, s, b.Queue, want).Ack(t.Context()))
	}
	empty(t, b.Queue, s.Unit)
}

func queueRoundTrip(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	want := &engine.Delivery{
		Run: "r", Activation: "g/t#2", Attempt: 2, Cycle: 3, Rev: 17, Seq: 19, Input: json.RawMessage(`{"n":1.50}`),
		Task:  &engine.Task{ID: "t", Handler: "wasm", Spec: json.RawMessage(`{"module":"m"}`), Retry: &engine.Retry{Max: 2}},
		Fault: &engine.TaskError{Kind: engine.KindInvalidInput, Message: "no"},
	}
	check(t, b.Queue.Enqueue(t.Context(), false, want))
	l := receive(t, s, b.Queue, "g/t#2")
	if got, want := ticket(l.Delivery()), ticket(want); !reflect.DeepEqual(got, want) {
		t.Errorf("received %+v, want %+v", got, want)
	}
	if n := l.Delivered(); n != 1 {
		t.Errorf("delivered %d times, want once", n)
	}
	check(t, l.Nak(t.Context()))
	l = receive(t, s, b.Queue, "g/t#2")
	if n := l.Delivered(); n != 2 {
		t.Errorf("delivered %d times after it was given back, want 2", n)
	}
	check(t, l.Ack(t.Context()))
}

// ticket is what every queue carries of a delivery.
func ticket(d *engine.Delivery) engine.Delivery {
	return engine.Delivery{Run: d.Run, Activation: d.Activation, Attempt: d.Attempt, Rev: d.Rev, Seq: d.Seq}
}

func queueBlocks(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	got := make(chan string, 1)
	go func() {
		l, err := b.Queue.Receive(ctx)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- l.Delivery().Activation
	}()
	select {
	case a := <-got:
		t.Fatalf("received %q from an empty queue", a)
	case <-time.After(s.Unit):
	}
	enqueue(t, s, b.Queue, "a")
	if a := <-got; a != "a" {
		t.Errorf("received %q, want a", a)
	}
}

func queueContext(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := b.Queue.Receive(ctx)
		ended <- err
	}()
	wait(s.Unit)
	cancel()
	wantError(t, "receive with a canceled context", <-ended, context.Canceled)
	enqueue(t, s, b.Queue, "a")
	check(t, receive(t, s, b.Queue, "a").Ack(t.Context()))
}

func queueAck(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	enqueue(t, s, b.Queue, "a")
	l := receive(t, s, b.Queue, "a")
	check(t, l.Ack(t.Context()))
	empty(t, b.Queue, s.Lease+2*s.Unit)
	wantError(t, "ack again", l.Ack(t.Context()), engine.ErrLeaseLost)
}

func queueNak(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	enqueue(t, s, b.Queue, "a", "b", "c")
	a, bb := receive(t, s, b.Queue, "a"), receive(t, s, b.Queue, "b")
	check(t, a.Nak(t.Context()))
	wantError(t, "ack after nak", a.Ack(t.Context()), engine.ErrLeaseLost)
	again := receive(t, s, b.Queue, "a")
	wantError(t, "ack of what another holds now", a.Ack(t.Context()), engine.ErrLeaseLost)
	check(t, again.Ack(t.Context()))
	check(t, bb.Ack(t.Context()))
	check(t, receive(t, s, b.Queue, "c").Ack(t.Context()))
	empty(t, b.Queue, s.Unit)
}

func queueExpiry(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	enqueue(t, s, b.Queue, "a", "b")
	old := receive(t, s, b.Queue, "a")
	begun := time.Now()
	check(t, receive(t, s, b.Queue, "b").Ack(t.Context()))
	again := receive(t, s, b.Queue, "a") // blocks until the lease has run out
	if got := time.Since(begun); got < s.Lease-s.Unit {
		t.Errorf("delivered again after %s, before its lease of %s was over", got, s.Lease)
	}
	wantError(t, "ack by the old holder", old.Ack(t.Context()), engine.ErrLeaseLost)
	wantError(t, "nak by the old holder", old.Nak(t.Context()), engine.ErrLeaseLost)
	wantError(t, "extend by the old holder", old.Extend(t.Context()), engine.ErrLeaseLost)
	check(t, again.Extend(t.Context()))
	check(t, again.Ack(t.Context()))
	enqueue(t, s, b.Queue, "c", "d")
	receive(t, s, b.Queue, "c")
	wait(s.Lease + 2*unhurried(s))
	check(t, receive(t, s, b.Queue, "c").Ack(t.Context())) // before newer ones
	check(t, receive(t, s, b.Queue, "d").Ack(t.Context()))
}

func queueExtend(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	enqueue(t, s, b.Queue, "a", "b")
	kept, dropped := receive(t, s, b.Queue, "a"), receive(t, s, b.Queue, "b")
	for range 5 {
		empty(t, b.Queue, s.Lease/3)
		check(t, kept.Extend(t.Context()))
		check(t, dropped.Extend(t.Context()))
	}
	again := make(chan engine.Lease, 1)
	ctx := s.patient(t)
	go func() {
		if l, err := b.Queue.Receive(ctx); err == nil {
			again <- l
		}
		close(again)
	}()
	for range 5 {
		wait(s.Lease / 3)
		check(t, kept.Extend(t.Context()))
	}
	l, ok := <-again
	if !ok || l.Delivery().Activation != "b" {
		t.Fatalf("received %v, want b, whose lease was not extended", l)
	}
	check(t, l.Ack(t.Context()))
	check(t, kept.Ack(t.Context()))
	empty(t, b.Queue, s.Lease+2*s.Unit)
}

// queueReceiving grows a tree: each delivery enqueues the next ones and says
// that its worker will receive. A lost wake-up leaves the last ones lying.
func queueReceiving(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	const workers, depth = 4, 7
	ctx, cancel := context.WithCancel(s.patient(t))
	defer cancel()
	var all, work sync.WaitGroup
	all.Add(1<<depth - 1)
	handle := func(l engine.Lease) error {
		d := l.Delivery()
		if err := l.Ack(ctx); err != nil {
			return err
		}
		defer all.Done()
		if len(d.Activation) == depth-1 { // its level: a ticket carries little else
			return nil
		}
		return b.Queue.Enqueue(ctx, true, delivery(d.Activation+"l"), delivery(d.Activation+"r"))
	}
	for range workers {
		work.Go(func() {
			for {
				l, err := b.Queue.Receive(ctx)
				if err != nil {
					return
				}
				if err := handle(l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait(s.Unit) // all of them block
	enqueue(t, s, b.Queue, "")
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("deliveries were left in the queue")
	}
	cancel()
	work.Wait()

	// One receiver blocks, another enqueues two: it takes one, the first gets
	// the other at once, not only when the former's lease is over.
	other := make(chan engine.Lease, 1)
	patient := s.patient(t)
	go func() {
		l, err := b.Queue.Receive(patient)
		if err != nil {
			t.Error(err)
		}
		other <- l
	}()
	wait(s.Unit)
	check(t, b.Queue.Enqueue(t.Context(), true, delivery("x"), delivery("y")))
	mine, err := b.Queue.Receive(patient)
	check(t, err)
	begun := time.Now()
	theirs := <-other
	if theirs == nil || mine.Delivery().Activation == theirs.Delivery().Activation || time.Since(begun) > s.Lease-s.Unit {
		t.Errorf("received %v and %v after %s, want x and y at once", mine, theirs, time.Since(begun))
	}
}

// queueCanceledReceivers gives up on receiving while something is enqueued: who
// waits besides gets it.
func queueCanceledReceivers(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	for i := range rounds {
		got := make(chan string, 2)
		receiveOne := func(ctx context.Context) {
			l, err := b.Queue.Receive(ctx)
			if err != nil {
				return
			}
			got <- l.Delivery().Activation
			if err := l.Ack(t.Context()); err != nil { //nolint:contextcheck // acked also once the receiver has given up
				t.Error(err)
			}
		}
		hasty, cancelHasty := context.WithCancel(t.Context())
		patient, cancelPatient := context.WithTimeout(t.Context(), s.Lease)
		var all sync.WaitGroup
		all.Go(func() { receiveOne(patient) })
		all.Go(func() { receiveOne(hasty) })
		all.Go(cancelHasty)
		want := fmt.Sprintf("a%d", i)
		check(t, b.Queue.Enqueue(t.Context(), false, delivery(want)))
		select {
		case a := <-got:
			if a != want {
				t.Errorf("received %q, want %q", a, want)
			}
		case <-patient.Done():
			t.Errorf("round %d: nobody was woken", i)
		}
		cancelPatient()
		all.Wait()
	}
}

func queueOnce(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	const consumers, producers, each = 8, 4, 100
	ctx, cancel := context.WithCancel(s.patient(t))
	defer cancel()
	var mu sync.Mutex // guards seen
	seen := map[string]int{}
	var consuming, producing sync.WaitGroup
	for range consumers {
		consuming.Go(func() {
			for {
				l, err := b.Queue.Receive(ctx)
				if err != nil {
					return
				}
				if err := l.Ack(ctx); err != nil {
					t.Errorf("ack %q: %v", l.Delivery().Activation, err)
				}
				mu.Lock()
				seen[l.Delivery().Activation]++
				if len(seen) == producers*each {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	for p := range producers {
		producing.Go(func() {
			for i := range each {
				if err := b.Queue.Enqueue(ctx, false, delivery(fmt.Sprintf("%d-%d", p, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	producing.Wait()
	consuming.Wait()
	if got, want := len(seen), producers*each; got != want {
		t.Errorf("%d deliveries were received, want %d", got, want)
	}
	for a, n := range seen {
		if n != 1 {
			t.Errorf("%q was delivered %d times", a, n)
		}
	}
	empty(t, b.Queue, s.Unit)
}
