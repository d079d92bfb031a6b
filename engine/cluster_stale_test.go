package engine_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestStaleDeadlineMovesChain: an owner that does not know yet that a retry's timer
// has fired fails the attempt before. That does not count, and the next attempt
// commits after it.
func TestStaleDeadlineMovesChain(t *testing.T) {
	t.Parallel()
	s := engine.Spec{Name: "f", Tasks: []engine.Task{{
		ID: "a", Retry: &engine.Retry{Max: 2, Delay: engine.Duration(time.Second)}, Deadline: engine.Duration(3 * time.Second),
	}}}
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	r := engine.NewRun("r", g, nil)
	failed := &engine.TaskError{Kind: engine.KindError, Message: "no"}
	at := time.Unix(0, 0)
	for i, e := range []engine.Event{
		{Type: engine.EventStarted},
		{Type: engine.EventFailed, Activation: "a", Attempt: 1, Error: failed, Started: at},
		{Type: engine.EventTimer, Activation: "a", Attempt: 2},
		{Type: engine.EventFailed, Activation: "a", Attempt: 1, Reason: engine.KindDeadline, Error: failed},
	} {
		e.Seq, e.Time = uint64(i+1), at
		if counts := r.Apply(&e); counts != (i < 3) {
			t.Errorf("event %d counts: %v", e.Seq, counts)
		}
	}
	for _, c := range r.Outstanding() {
		if d := c.Delivery; d != nil && (d.Rev != 4 || d.Sent != 2 || d.Attempt != 2) {
			t.Errorf("attempt %d of ticket %d follows event %d, want attempt 2 of ticket 2 after event 4", d.Attempt, d.Sent, d.Rev)
		}
	}
}
