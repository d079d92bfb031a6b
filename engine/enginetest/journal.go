package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var journalCases = []testCase{
	{"append and read in order", journalOrder},
	{"events come back as they were", journalRoundTrip},
	{"conflict per chain", journalConflict},
	{"last", journalLast},
	{"runs are independent", journalRuns},
	{"forget", journalForget},
	{"concurrent appends to one chain have one winner", journalOneWinner},
	{"read while others append", journalFollow},
	{"concurrent appends to different chains never conflict", journalConcurrentChains},
}

func completed(activation string) *engine.Event {
	return &engine.Event{Type: engine.EventCompleted, Activation: activation, Attempt: 1, Value: json.RawMessage(`1`)}
}

func appendTo(t *testing.T, s Suite, j engine.Journal, run, chain string, expect uint64) uint64 {
	t.Helper()
	e := completed(chain)
	seq, err := j.Append(s.patient(t), run, chain, expect, e)
	check(t, err)
	if seq == 0 || e.Seq != seq {
		t.Fatalf("append to %q: sequence %d, the event's %d; want the same, not 0", chain, seq, e.Seq)
	}
	return seq
}

// read reads all there is after a sequence, in as many parts as it comes in.
func read(t *testing.T, s Suite, j engine.Journal, run string, after uint64) (all []*engine.Event) {
	t.Helper()
	for {
		part, err := j.Read(s.patient(t), run, after)
		check(t, err)
		if len(part) == 0 {
			return all
		}
		if last := part[len(part)-1].Seq; part[0].Seq <= after || last <= after {
			t.Fatalf("read after %d: events %d to %d", after, part[0].Seq, last)
		}
		all, after = append(all, part...), part[len(part)-1].Seq
	}
}

func journalOrder(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	var seqs []uint64
	chains := []string{"", "a", "group-1/b", "map[3]"}
	for _, chain := range chains {
		seqs = append(seqs, appendTo(t, s, b.Journal, "r", chain, 0))
	}
	for i, chain := range chains {
		seqs = append(seqs, appendTo(t, s, b.Journal, "r", chain, seqs[i]))
	}
	for after := range seqs {
		events := read(t, s, b.Journal, "r", seqs[after])
		if got, want := len(events), len(seqs)-after-1; got != want {
			t.Fatalf("read after %d: %d events, want %d", seqs[after], got, want)
		}
		for i, e := range events {
			if at := after + 1 + i; e.Seq != seqs[at] || e.Activation != chains[at%4] || e.Seq <= seqs[after] {
				t.Errorf("read after %d: event %d is %d of %q, want %d of %q", seqs[after], i, e.Seq, e.Activation, seqs[at], chains[at%4])
			}
		}
	}
	if got := len(read(t, s, b.Journal, "r", 0)); got != len(seqs) {
		t.Errorf("read from the beginning: %d events, want %d", got, len(seqs))
	}
	if got := read(t, s, b.Journal, "r", seqs[len(seqs)-1]+100); len(got) != 0 {
		t.Errorf("read beyond the end: %d events, want none", len(got))
	}
	if got := read(t, s, b.Journal, "unknown", 0); len(got) != 0 {
		t.Errorf("read a run without events: %d events, want none", len(got))
	}
}

func journalRoundTrip(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	message := "done"
	e := &engine.Event{
		Time: time.Now().UTC().Round(0), Type: engine.EventFailed, Activation: "g/a#2", Attempt: 3, Started: time.Now().UTC().Round(0),
		Value: json.RawMessage(`{"π":[1,2.50,null]}`),
		Effects: engine.Effects{
			Channel:   []engine.ChannelOp{{Op: engine.OpAdd, Key: "n", Value: json.RawMessage(`-1`)}, {Op: engine.OpDelete, Key: "k"}},
			Next:      []engine.NextTask{{Task: engine.Task{ID: "t", Timeout: engine.Duration(time.Second)}, Goto: true}},
			Iterate:   &engine.Iteration{Data: json.RawMessage(`7`)},
			Terminate: &message,
		},
		Error: &engine.TaskError{Kind: "trap", Message: "out of bounds", Attempts: 3},
		Alive: []bool{true, false}, Input: json.RawMessage(`"in"`), Message: "m", Reason: "r",
	}
	_, err := b.Journal.Append(s.patient(t), "r", e.Activation, 0, e)
	check(t, err)
	want, err := json.Marshal(e)
	check(t, err)
	got, err := json.Marshal(read(t, s, b.Journal, "r", 0)[0])
	check(t, err)
	if string(got) != string(want) {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
}

func journalConflict(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	first := appendTo(t, s, b.Journal, "r", "a", 0)
	other := appendTo(t, s, b.Journal, "r", "b", 0)
	second := appendTo(t, s, b.Journal, "r", "a", first)
	for _, expect := range []uint64{0, first, other, second + 1} {
		_, err := b.Journal.Append(s.patient(t), "r", "a", expect, completed("a"))
		wantError(t, fmt.Sprintf("append with expect %d, the last is %d", expect, second), err, engine.ErrConflict)
	}
	_, err := b.Journal.Append(s.patient(t), "r", "new", other, completed("new"))
	wantError(t, "append to an empty chain that is said to have an event", err, engine.ErrConflict)
	if got := len(read(t, s, b.Journal, "r", 0)); got != 3 {
		t.Errorf("%d events after conflicts, want 3", got)
	}
	appendTo(t, s, b.Journal, "r", "a", second)
}

func journalLast(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	last := func(chain string) uint64 {
		seq, err := b.Journal.Last(s.patient(t), "r", chain)
		check(t, err)
		return seq
	}
	if got := last("a"); got != 0 {
		t.Errorf("last of no run: %d, want 0", got)
	}
	a := appendTo(t, s, b.Journal, "r", "a", 0)
	if got := last("b"); got != 0 {
		t.Errorf("last of an empty chain: %d, want 0", got)
	}
	appendTo(t, s, b.Journal, "r", "b", 0)
	if got := last("a"); got != a {
		t.Errorf("last of a: %d, want %d", got, a)
	}
	a = appendTo(t, s, b.Journal, "r", "a", a)
	if got := last("a"); got != a {
		t.Errorf("last of a: %d, want %d", got, a)
	}
}

func journalRuns(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	appendTo(t, s, b.Journal, "r1", "a", 0)
	appendTo(t, s, b.Journal, "r2", "a", 0)
	for _, run := range []string{"r1", "r2"} {
		if got := len(read(t, s, b.Journal, run, 0)); got != 1 {
			t.Errorf("run %s has %d events, want 1", run, got)
		}
	}
}

func journalForget(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	appendTo(t, s, b.Journal, "r1", "a", 0)
	appendTo(t, s, b.Journal, "r2", "a", 0)
	check(t, b.Journal.Forget(s.patient(t), "r1"))
	if got := read(t, s, b.Journal, "r1", 0); len(got) != 0 {
		t.Errorf("a forgotten run has %d events, want none", len(got))
	}
	if last, err := b.Journal.Last(s.patient(t), "r1", "a"); last != 0 || err != nil {
		t.Errorf("last of a forgotten run: %d, %v, want 0", last, err)
	}
	if got := len(read(t, s, b.Journal, "r2", 0)); got != 1 {
		t.Errorf("the other run has %d events, want 1", got)
	}
	check(t, b.Journal.Forget(s.patient(t), "unknown"))
	appendTo(t, s, b.Journal, "r1", "a", 0)
}

const (
	racers = 16
	rounds = 20
)

func journalOneWinner(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	last := uint64(0)
	for range rounds {
		var winners atomic.Int32
		var seq atomic.Uint64
		var all sync.WaitGroup
		for range racers {
			all.Go(func() {
				got, err := b.Journal.Append(ctx, "r", "a", last, completed("a"))
				switch {
				case err == nil:
					winners.Add(1)
					seq.Store(got)
				case !errors.Is(err, engine.ErrConflict):
					t.Errorf("append: %v, want ErrConflict", err)
				}
			})
		}
		all.Wait()
		if got := winners.Load(); got != 1 {
			t.Fatalf("%d appends after %d won, want 1", got, last)
		}
		last = seq.Load()
	}
	if got := len(read(t, s, b.Journal, "r", 0)); got != rounds {
		t.Errorf("%d events, want %d", got, rounds)
	}
}

func journalConcurrentChains(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			last := uint64(0)
			for range rounds {
				chain := fmt.Sprintf("chain-%d", i)
				seq, err := b.Journal.Append(ctx, "r", chain, last, completed(chain))
				if err != nil || seq <= last {
					t.Errorf("append to %s after %d: %d, %v", chain, last, seq, err)
					return
				}
				last = seq
			}
		})
	}
	all.Wait()
	events := read(t, s, b.Journal, "r", 0)
	if got, want := len(events), racers*rounds; got != want {
		t.Fatalf("%d events, want %d", got, want)
	}
	for i := 1; i < len(events); i++ {
		if events[i].Seq <= events[i-1].Seq {
			t.Fatalf("event %d has sequence %d after %d", i, events[i].Seq, events[i-1].Seq)
		}
	}
}

// journalFollow reads what others append at the time: nothing is left out, in
// whatever parts it comes.
func journalFollow(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			chain, last := fmt.Sprint(i), uint64(0)
			for n := range rounds {
				e := completed(chain)
				e.Attempt = n + 1
				seq, err := b.Journal.Append(ctx, "r", chain, last, e)
				if err != nil {
					t.Error(err)
					return
				}
				last = seq
			}
		})
	}
	defer all.Wait()
	seen := map[string]int{}
	for n, after := 0, uint64(0); n < racers*rounds && ctx.Err() == nil; {
		part, err := b.Journal.Read(ctx, "r", after)
		check(t, err)
		for _, e := range part {
			if e.Seq <= after || e.Attempt != seen[e.Activation]+1 {
				t.Fatalf("after event %d there is %d, the %dth of %s, want its %dth", after, e.Seq, e.Attempt, e.Activation, seen[e.Activation]+1)
			}
			seen[e.Activation], after = e.Attempt, e.Seq
		}
		if n += len(part); len(part) == 0 {
			wait(s.Unit / 100)
		}
	}
}
