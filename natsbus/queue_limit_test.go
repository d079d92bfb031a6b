package natsbus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestOperatorLimitsQueues has an operator's limit set by a process that drives runs.
func TestOperatorLimitsQueues(t *testing.T) {
	t.Parallel()
	s, b := roleServer(t, true)
	queue := newQueue(b)
	t.Cleanup(queue.Close)
	enqueue(t, queue, task("a", engine.Task{}))
	early := openBus(t, roleDial(s, RoleOperator), "main")
	if err := early.SetQueueLimit(t.Context(), "", 2); !errors.Is(err, ErrNoOwner) {
		t.Errorf("limit a queue while nobody drives runs: %v, want ErrNoOwner", err)
	}
	background(t, func(ctx context.Context) error { return newCluster(b, nil).Answer(ctx, nil) })
	until(t, "somebody answers", func() bool { return early.SetQueueLimit(t.Context(), "", 2) == nil })
	operator := asRole(t, s, RoleOperator)
	if err := operator.SetQueueLimit(t.Context(), "", 3); err != nil {
		t.Error(err)
	}
	if infos, err := operator.Queues(t.Context()); err != nil || len(infos) != 1 || infos[0].Limit != 3 {
		t.Errorf("the queues are %+v, %v; want a limit of 3", infos, err)
	}
	if err := openBus(t, roleDial(s, RoleSubmitter), "main").SetQueueLimit(t.Context(), "", 9); !errors.Is(err, ErrDenied) {
		t.Errorf("a submitter limits a queue: %v, want ErrDenied", err)
	}
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
