package natsbus

import (
	"context"
	"errors"
	"testing"

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
	waitUntil(t, "somebody answers", func() bool { return early.SetQueueLimit(t.Context(), "", 2) == nil })
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
