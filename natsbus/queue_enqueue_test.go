package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

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
	until(t, "there is room", func() bool { return q.Enqueue(t.Context(), false, ds[5:]...) == nil })
	for i := range 3 {
		ackOne(t, q, fmt.Sprintf("a%d", i+5))
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
	until(t, "four dead letters", func() bool {
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
	until(t, "the queue is empty", func() bool {
		infos, err := q.bus.Queues(t.Context())
		return err == nil && infos[0].Ready == 0 && infos[0].InFlight == 0
	})
}
