package natsbus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	b, other := queueBus(t, s, Config{}), queueBus(t, s, Config{Namespace: "other"})
	for i := range 5 {
		l := engine.DeadLetter{Run: "r", Activation: fmt.Sprintf("a%d", i), Rev: 4, Delivered: 6, Reason: "worker lost", Time: time.Unix(1, 0).UTC()}
		for range 2 { // the second is the same
			if err := b.Bury(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := other.Bury(t.Context(), engine.DeadLetter{Run: "r", Activation: "a0", Rev: 4, Reason: "theirs"}); err != nil {
		t.Fatal(err)
	}
	wantDead(t, b, 0, 10, "a4", "a3", "a2", "a1", "a0")
	wantDead(t, b, 0, 2, "a4", "a3")
	wantDead(t, b, 4, 2, "a2", "a1")
	wantDead(t, other, 0, 10, "a0")
	l, err := b.DeadLetter(t.Context(), 3)
	if err != nil || l.Reason != "worker lost" || l.Delivered != 6 || l.Number != 3 {
		t.Errorf("dead letter 3: %+v, %v", l, err)
	}
	for _, number := range []uint64{3, 3, 6, 99} {
		err := b.RemoveDead(t.Context(), number)
		if want := l != nil && number == 3; want && err != nil || !want && !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("remove dead letter %d: %v", number, err)
		}
		l = nil
	}
	wantDead(t, b, 0, 10, "a4", "a3", "a1", "a0")
	wantDead(t, other, 0, 10, "a0")
}

func wantDead(t *testing.T, b *Bus, before uint64, limit int, want ...string) {
	t.Helper()
	all, err := b.DeadLetters(t.Context(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range all {
		got = append(got, l.Activation)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("dead letters %v, want %v", got, want)
	}
}
