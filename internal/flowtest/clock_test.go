package flowtest //nolint:testpackage // the clock is told by cases only as a whole

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestTimersInOrder fires those that are due at the same time in the order in which
// they were started, one after the other.
func TestTimersInOrder(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	w := newWorld(start, 0)
	var fired []int
	var want []int
	w.hold()
	for i := range 30 {
		w.After(time.Hour, func() { fired = append(fired, i) })
		want = append(want, i)
	}
	stop := w.After(time.Minute, func() { t.Error("a timer fires that was stopped") })
	stop()
	stop() // again changes nothing
	w.After(time.Second, func() {
		if got := w.Now().Sub(start); got != time.Second {
			t.Errorf("got %s, want 1s", got)
		}
	})
	w.release()
	<-w.quiet
	if !slices.Equal(fired, want) || w.Now().Sub(start) != time.Hour {
		t.Errorf("got %v at %s, want %v after an hour", fired, w.Now(), want)
	}
}

// TestOneAtATime gives out one delivery at a time, first in, first out, and those that
// are given back first.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(time.Now(), 2)
	ds := []*engine.Delivery{{Activation: "a"}, {Activation: "b"}}
	w.hold()
	if err := w.Enqueue(t.Context(), false, ds...); err != nil {
		t.Fatal(err)
	}
	got := make(chan engine.Lease, 2)
	for range 2 {
		go func() {
			l, err := w.Receive(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- l
		}()
	}
	w.release()
	first := <-got
	if first.Delivery() != ds[0] || len(got) > 0 {
		t.Errorf("got %v, and %d more", first.Delivery(), len(got))
	}
	if err := first.Nak(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range []func(context.Context) error{first.Nak, first.Ack, first.Extend} {
		if err := f(t.Context()); err == nil {
			t.Error("a lease counts that was given back")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // asks for more: the other worker is given what was given back
		_, _ = w.Receive(ctx)
	}()
	if second := <-got; second.Delivery() != ds[0] {
		t.Errorf("got %v, want what was given back", second.Delivery())
	}
	cancel()
}
