package natsbus

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestNewerTicket: a ticket with a field that is unknown here is neither handed out nor
// buried. It is delivered again, as to a newer process it may be.
func TestNewerTicket(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	owner, worker := queueOf(t, s, Config{Lease: time.Second}), queueOf(t, s, Config{Lease: time.Second})
	enqueue(t, owner, task("first", engine.Task{}))
	ackOne(t, worker, "first") // the consumer is there
	subject := "gf.task._default._.n._main._r._a.1"
	if _, err := owner.bus.js.Publish(t.Context(), subject, []byte(`{"run":"r","activation":"a","attempt":1,"urgent":true}`)); err != nil {
		t.Fatal(err)
	}
	enqueue(t, owner, task("second", engine.Task{}))
	ackOne(t, worker, "second")
	stream, err := owner.bus.openStream(t.Context(), streamTasks)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := stream.Consumer(t.Context(), class{queue: defaultQueue, priority: engine.PriorityNormal}.consumer("main"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var asks sync.WaitGroup
	asks.Go(func() { // for what comes again
		if l, err := worker.Receive(ctx); err == nil {
			t.Errorf("it was handed out as %+v", l.Delivery())
		}
	})
	defer asks.Wait()
	defer stop()
	until(t, "it is delivered again", func() bool {
		info, err := consumer.Info(t.Context())
		return err == nil && info.NumRedelivered > 0
	})
	if _, err := stream.GetLastMsgForSubject(t.Context(), subject); err != nil {
		t.Errorf("the ticket: %v, want it to be in the queue", err)
	}
	if letters, err := owner.bus.DeadLetters(t.Context(), 0, 10); err != nil || len(letters) != 0 {
		t.Errorf("dead letters %+v, %v; want none", letters, err)
	}
}

// TestNewerEvent: an event that a newer version has written is told from one that is
// spoiled.
func TestNewerEvent(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	j := newJournal(b, newBlobs(b))
	for _, text := range []string{`{"type":"compacted"}`, `{"type":"run_started","weight":1}`} {
		_, err := j.decode(t.Context(), "r", &entry{seq: 7, data: []byte(text)})
		if !errors.Is(err, engine.ErrNewer) || errors.Is(err, engine.ErrUnreadable) {
			t.Errorf("%s: %v, want ErrNewer alone", text, err)
		}
	}
	if _, err := j.decode(t.Context(), "r", &entry{seq: 7, data: []byte(`{"type":`)}); !errors.Is(err, engine.ErrUnreadable) {
		t.Errorf("half an event: %v, want ErrUnreadable", err)
	}
}
