package natsbus

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

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

// waitClasses waits until a queue takes from so many classes.
func waitClasses(tb testing.TB, q *Queue, n int) {
	tb.Helper()
	q.mu.Lock()
	if err := q.start(); err != nil {
		tb.Error(err)
	}
	q.mu.Unlock()
	until(tb, fmt.Sprintf("the queue takes from %d classes", n), func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.classes) == n
	})
}

func (q *Queue) asked() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outstanding()
}
