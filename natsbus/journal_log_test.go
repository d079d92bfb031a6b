package natsbus

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// What is read by chains is what is stored, wherever it begins: short chains and
// long ones, and records that do not tell what was before them.
func TestReadByChains(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	random := rand.New(rand.NewPCG(1, 2))
	last := map[string]uint64{}
	last[""] = mustAppend(t, j, "r", "", 0, &engine.Event{Type: engine.EventStarted})
	all := []uint64{0, last[""]}
	for range 300 {
		chain := []string{"", "a", fmt.Sprint("b", random.IntN(10)), fmt.Sprint("c", random.IntN(200))}[random.IntN(4)]
		mustAppend(t, j, "other", fmt.Sprint(len(all)), 0, doneEvent(0))
		last[chain] = mustAppend(t, j, "r", chain, last[chain], &engine.Event{Type: engine.EventTimer, Activation: chain})
		all = append(all, last[chain])
	}
	publishAll(t, j.bus, j.bus.runPrefix("r")+leafTask+"_x", j.bus.runPrefix("r")+leafTask+"_x", j.bus.runPrefix("r")+leafTask+"_y")
	// A worker may publish to chains what it likes: a link to another run, or to none.
	for _, lie := range []string{"1", "0"} {
		m := nats.NewMsg(j.bus.runPrefix("r") + leafTask + "_a")
		m.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, j.bus.runPrefix("liar"+lie)+leafTask+"_a")
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
		if lie == "1" {
			m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(mustAppend(t, j, "liar1", "a", 0, doneEvent(0))))
		}
		if _, err := j.bus.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	want, done, err := j.pageAfter(t.Context(), j.bus.runPrefix("r")+".>", 0)
	if err != nil || !done || len(want) != 306 {
		t.Fatalf("%d records are stored, %v", len(want), err)
	}
	for _, after := range all {
		got, done, err := j.after(t.Context(), "r", after)
		if err != nil || !done {
			t.Fatalf("after %d: %v", after, err)
		}
		rest := want[slices.IndexFunc(want, func(e *entry) bool { return e.seq > after }):]
		if !slices.EqualFunc(got, rest, func(x, y *entry) bool {
			return x.seq == y.seq && x.start == y.start && string(x.data) == string(y.data)
		}) {
			t.Fatalf("after %d there are %d records, want %d", after, len(got), len(rest))
		}
	}
}

// BenchmarkReadBig reads runs of ten events from a stream with 300 000 others: as the
// journal does, and by a page of what is stored next.
func BenchmarkReadBig(b *testing.B) {
	j := testJournal(b)
	fill(b, j.bus, 300_000)
	for at, run := range map[string]string{"first": "0", "middle": "15000", "last": "29999"} {
		log, err := j.Read(b.Context(), run, 0)
		if err != nil || len(log) != 10 {
			b.Fatalf("%d events, %v", len(log), err)
		}
		for _, n := range []int{0, 5, 10} {
			after := uint64(0)
			if n > 0 {
				after = log[n-1].Seq
			}
			b.Run(fmt.Sprintf("run=%s/after=%d/by=chains", at, n), func(b *testing.B) {
				for b.Loop() {
					if all, _, err := j.after(b.Context(), run, after); err != nil || len(all) != 10-n {
						b.Fatalf("%d events, %v", len(all), err)
					}
				}
			})
			b.Run(fmt.Sprintf("run=%s/after=%d/by=page", at, n), func(b *testing.B) {
				for b.Loop() {
					if all, _, err := j.pageAfter(b.Context(), j.bus.runPrefix(run)+".>", after); err != nil || len(all) != 10-n {
						b.Fatalf("%d events, %v", len(all), err)
					}
				}
			})
		}
	}
}
