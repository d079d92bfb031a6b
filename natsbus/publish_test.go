package natsbus

import (
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

type outcome struct {
	seq uint64
	err error
}

// appendLater appends in the background.
func appendLater(tb testing.TB, j *Journal, expect uint64, e *engine.Event) <-chan outcome {
	tb.Helper()
	done := make(chan outcome, 1)
	go func() {
		seq, err := j.Append(tb.Context(), "r", "a", expect, e)
		done <- outcome{seq, err}
	}()
	return done
}

func doneEvent(attempt int) *engine.Event {
	return &engine.Event{Type: engine.EventCompleted, Activation: "a", Attempt: attempt}
}

// lastOf waits until the chain has another last event, and returns that.
func lastOf(tb testing.TB, j *Journal, was uint64) (last uint64) {
	tb.Helper()
	eventually(tb, "the chain moves", func() bool {
		var err error
		if last, err = j.Last(tb.Context(), "r", "a"); err != nil {
			tb.Fatal(err)
		}
		return last != was
	})
	return last
}

// An append whose ack was lost was made: once, and the caller is told so, also when
// another has built upon it.
func TestAppendAckLost(t *testing.T) {
	t.Parallel()
	for _, built := range []bool{false, true} {
		ns := newNamespace()
		other := newJournal(sharedBus(t, ns), nil)
		l, b := lineTo(t, ns)
		j := newJournal(b, nil)
		first := mustAppend(t, j, "r", "a", 0, doneEvent(1))
		l.lose(true, false)
		done := appendLater(t, j, first, doneEvent(2))
		stored := lastOf(t, other, first)
		want := 2
		if built {
			mustAppend(t, other, "r", "a", stored, doneEvent(3))
			want++
		}
		l.cut()
		if got := <-done; got.err != nil || got.seq != stored {
			t.Errorf("built upon %t: appended as %d, %v; want %d", built, got.seq, got.err, stored)
		}
		if events, err := other.Read(t.Context(), "r", 0); err != nil || len(events) != want {
			t.Errorf("built upon %t: %d events, %v; want %d", built, len(events), err, want)
		}
	}
}

// An append that never arrived is made later, or conflicts with what came first.
func TestAppendLost(t *testing.T) {
	t.Parallel()
	for _, taken := range []bool{false, true} {
		ns := newNamespace()
		other := newJournal(sharedBus(t, ns), nil)
		l, b := lineTo(t, ns)
		j := newJournal(b, nil)
		first := mustAppend(t, j, "r", "a", 0, doneEvent(1))
		l.lose(false, true)
		done := appendLater(t, j, first, doneEvent(2))
		if taken {
			mustAppend(t, other, "r", "a", first, doneEvent(3))
		}
		l.cut()
		got := <-done
		if taken && !errors.Is(got.err, engine.ErrConflict) {
			t.Errorf("the place was taken: appended as %d, %v; want ErrConflict", got.seq, got.err)
		}
		if !taken && got.err != nil {
			t.Error(got.err)
		}
		if events, err := other.Read(t.Context(), "r", 0); err != nil || len(events) != 2 {
			t.Errorf("%d events, %v; want 2", len(events), err)
		}
	}
}

// What was dropped is not what was expected.
func TestAppendToWhatWasForgotten(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	first := mustAppend(t, j, "r", "a", 0, doneEvent(1))
	if err := j.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), "r", "a", first, doneEvent(2)); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("append: %v, want ErrConflict", err)
	}
}
