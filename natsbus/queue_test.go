package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

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
	until(t, "eight pulls wait at the server", func() bool { return gone.asked() == 8 })
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
