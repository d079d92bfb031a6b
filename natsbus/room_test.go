package natsbus

import (
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestStartWithoutRoom begins runs with a submitter's credentials while more tasks wait
// than may, and once they do not.
func TestStartWithoutRoom(t *testing.T) {
	t.Parallel()
	s, b := roleServer(t, true)
	owner := newQueue(b)
	t.Cleanup(owner.Close)
	enqueue(t, owner, tasks(3, engine.Task{})...)
	submitter := queueBus(t, s, Config{Connect: roleDial(s, RoleSubmitter), MaxReady: 3})
	start := func(b *Bus, run string) error {
		_, err := b.Backend().Journal.Append(t.Context(), run, "", 0, &engine.Event{Type: engine.EventStarted})
		return err
	}
	begun := time.Now()
	if err := start(submitter, "refused"); !errors.Is(err, ErrFull) || !errors.Is(err, engine.ErrBusy) {
		t.Errorf("start: %v, want ErrFull", err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("refused after %v", took)
	}
	if seq, err := b.Backend().Journal.Last(t.Context(), "refused", ""); err != nil || seq != 0 {
		t.Errorf("the refused run's last event is %d, %v; want none", seq, err)
	}
	if err := start(queueBus(t, s, Config{Connect: roleDial(s, RoleSubmitter), MaxReady: -1}), "unbound"); err != nil {
		t.Errorf("start without a bound: %v", err)
	}
	ackOne(t, owner, "a0")
	until(t, "a run begins", func() bool { return start(submitter, "accepted") == nil })
}

// TestFullQueueIsBusy has the stream refuse tickets: the engine is to wait.
func TestFullQueueIsBusy(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q := queueOf(t, s, Config{})
	cfg := tasksStream(q.bus.cfg)
	cfg.Replicas, cfg.MaxMsgs = 1, 2
	if _, err := q.js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if err := q.Enqueue(t.Context(), false, tasks(3, engine.Task{})...); !errors.Is(err, engine.ErrBusy) {
		t.Errorf("enqueue: %v, want ErrBusy", err)
	}
}
