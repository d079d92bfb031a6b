package natsbus

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// A feed goes on behind the last message that it had, each once and in order,
// whatever becomes of its connection and its consumer.
func TestFeedGoesOn(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	l, b := lineTo(t, ns)
	out := newJournal(sharedBus(t, ns), nil)
	var all []uint64
	got := make(chan uint64, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	prefix := b.runPrefix("r")
	f := &feed{bus: b, stream: streamRuns, filter: prefix + ".>", handle: func(seq uint64, _ *nats.Msg) {
		all = append(all, seq)
		got <- seq
	}}
	ended := make(chan struct{})
	go func() { defer close(ended); f.run(ctx) }()
	defer func() { cancel(); <-ended }()

	chains := 0
	appendNext := func() uint64 {
		chains++
		return mustAppend(t, out, "r", fmt.Sprint(chains), 0, &engine.Event{Type: engine.EventCompleted})
	}
	comes := func(what string, lose func()) {
		t.Helper()
		for range 10 {
			if want, seq := appendNext(), <-got; seq != want {
				t.Fatalf("%s: event %d came, want %d", what, seq, want)
			}
		}
		lose()
		for range 10 {
			want := appendNext()
			for seq := range got { // what was lost comes first
				if seq == want {
					break
				}
				if seq > want {
					t.Fatalf("%s: event %d came, want %d", what, seq, want)
				}
			}
		}
	}
	comes("sound", func() {})
	comes("cut", l.cut)
	lost := uint64(0)
	comes("a message lost", func() {
		l.lose(true, false)
		lost = appendNext()
		eventually(t, "it is lost", func() bool { return l.lost() > 0 })
		l.lose(false, false)
	})
	cancel()
	<-ended
	if !slices.Contains(all, lost) || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != chains {
		t.Errorf("of %d events there came %v, which should hold %d", chains, all, lost)
	}
}

// What comes again is not handled again.
func TestFeedIsLate(t *testing.T) {
	t.Parallel()
	var got []uint64
	f := &feed{last: 10, handle: func(seq uint64, _ *nats.Msg) { got = append(got, seq) }}
	for i, seq := range []int{9, 10, 12} {
		if !f.take(&nats.Msg{Data: []byte("{}"), Reply: fmt.Sprintf("$JS.ACK.s.c.1.%d.%d.1.0", seq, i+1)}) {
			t.Errorf("%d is refused", seq)
		}
	}
	if f.take(&nats.Msg{Data: []byte("{}"), Reply: "$JS.ACK.s.c.1.20.5.1.0"}) {
		t.Error("one is missing, which was not noticed")
	}
	if !slices.Equal(got, []uint64{12}) {
		t.Errorf("handled %v, want 12", got)
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]string{
		"$JS.ACK.GF_RUN.c.1.22.7.1700000000000000000.3":                "22 7 <nil>",
		"$JS.ACK.hub.ACC.GF_RUN.c.1.22.7.1700000000000000000.3":        "22 7 <nil>",
		"$JS.ACK.hub.ACC.GF_RUN.c.1.22.7.1700000000000000000.3.random": "22 7 <nil>",
		"$JS.ACK.GF_RUN.c.1.x.7.1700000000000000000.3":                 "0 0 " + errPosition.Error(),
		"_INBOX.1": "0 0 " + errPosition.Error(),
		"":         "0 0 " + errPosition.Error(),
	} {
		seq, count, err := position(reply)
		if got := fmt.Sprint(seq, count, " ", err); got != want {
			t.Errorf("%q: %s, want %s", reply, got, want)
		}
	}
}
