package natsbus

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// tailOf makes a tail of a run's events, within a partition.
func tailOf(ts *tails, token string, base uint64, seqs ...uint64) {
	for _, seq := range seqs {
		ts.add(ts.of(token, base), &entry{seq: seq, data: make([]byte, 488)})
	}
}

func wantAfter(t *testing.T, ts *tails, token string, after uint64, ok bool, want ...uint64) {
	t.Helper()
	all, is := ts.by[token].after(after)
	got := []uint64{}
	for _, e := range all {
		got = append(got, e.seq)
	}
	if is != ok || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s after %d: %v, complete %t; want %v, %t", token, after, got, is, want, ok)
	}
}

// A tail answers for what comes after its base, and for nothing before.
func TestTails(t *testing.T) {
	t.Parallel()
	ts := &tails{by: map[string]*tail{}}
	tailOf(ts, "a", 10, 11, 15)
	tailOf(ts, "b", 11, 12, 13)
	wantAfter(t, ts, "a", 9, false)
	wantAfter(t, ts, "a", 10, true, 11, 15)
	wantAfter(t, ts, "a", 11, true, 15)
	wantAfter(t, ts, "a", 12, true, 15)
	wantAfter(t, ts, "a", 15, true)
	wantAfter(t, ts, "c", 15, false)
	if e := ts.by["a"].entry(15); e == nil || e.seq != 15 || ts.by["a"].entry(12) != nil || ts.by["c"].entry(1) != nil {
		t.Error("an entry is not found by its sequence, or another is")
	}

	ts.shrink(2*tailCost + 4*1000 - 1) // less than there is: the oldest goes, a's mark with it
	wantAfter(t, ts, "a", 11, true, 15)
	ts.shrink(1500)
	wantAfter(t, ts, "a", 11, false)
	wantAfter(t, ts, "b", 12, true, 13)
	if ts.by["a"] != nil {
		t.Error("of a nothing is left, but it is there")
	}
	ts.drop("b")
	ts.shrink(0)
	if len(ts.by) != 0 || ts.bytes != 0 {
		t.Errorf("%d tails, %d bytes are left", len(ts.by), ts.bytes)
	}
}

// What is dropped from memory is read from the stream, also when more comes
// meanwhile.
func TestTailsMany(t *testing.T) {
	t.Parallel()
	ts := &tails{by: map[string]*tail{}}
	for seq := uint64(1); seq <= 100_000; seq++ {
		tailOf(ts, fmt.Sprint(seq%7), seq-1, seq)
		ts.shrink(1 << 20)
	}
	if len(ts.order) > 8192 || ts.bytes > 1<<20 {
		t.Errorf("%d marks, %d bytes are kept", len(ts.order), ts.bytes)
	}
	wantAfter(t, ts, fmt.Sprint(100_000%7), 100_000-7, true, 100_000)
}

func testFollower(t *testing.T, owner engine.Owner) *follower {
	t.Helper()
	b := sharedBus(t, newNamespace())
	f := newFollower(b, 0, owner)
	f.begin(100)
	return f
}

type nobody struct{}

func (nobody) Moved(string) {}
func (nobody) Gone(string)  {}

// A tail that begins while its run is in the stream is complete once the stream was
// read.
func TestFollowerCompletes(t *testing.T) {
	t.Parallel()
	f := testFollower(t, nobody{})
	come := func(seq uint64, leaf string) {
		f.take(seq, &nats.Msg{Subject: f.prefix + "_r" + leaf})
	}
	read := func(after uint64, ok bool, want int) {
		t.Helper()
		all, is, err := f.read(t.Context(), "_r", after)
		if err != nil || is != ok || len(all) != want {
			t.Errorf("after %d: %d events, from memory %t, %v; want %d, %t", after, len(all), is, err, want, ok)
		}
	}
	read(50, false, 0)
	since := f.keep("_r")
	come(101, ".d.ev") // while the stream is read
	f.complete("_r", since, 50, []*entry{{seq: 60}, {seq: 70}, {seq: 101}})
	read(60, false, 0)
	read(70, true, 1)
	read(101, true, 0)

	come(102, ".d.start") // forgotten by another process, and begun anew
	read(0, true, 1)
	f.drop("r")
	come(103, ".d.ev") // it was on its way
	since = f.keep("_r")
	f.complete("_r", since, 0, nil)
	read(0, true, 0)
}

// What was appended here is waited for.
func TestFollowerReadsOwnAppends(t *testing.T) {
	t.Parallel()
	f := testFollower(t, nobody{})
	f.keep("_r")
	e := &engine.Event{Seq: 105}
	f.appended("_r", 105, e)
	got := make(chan []*entry, 1)
	go func() {
		all, _, err := f.read(t.Context(), "_r", 100)
		if err != nil {
			t.Error(err)
		}
		got <- all
	}()
	eventually(t, "it waits", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.waiting) == 1 })
	f.take(104, &nats.Msg{Subject: f.prefix + "_q.d.ev"})
	f.take(105, &nats.Msg{Subject: f.prefix + "_r.d.ev"})
	if all := <-got; len(all) != 1 || all[0].event.Load() != e {
		t.Errorf("%d events, want the one that was appended, as it is", len(all))
	}
	if len(f.own) != 0 || len(f.made) != 0 {
		t.Errorf("%d and %d are kept of what has come in", len(f.own), len(f.made))
	}
}
