package natsbus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

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
		until(t, "connected again", q.bus.nc.IsConnected)
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
	until(t, "the queue is empty", func() bool {
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
	until(t, "it waits", func() bool { return q.asked() == 1 })
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
