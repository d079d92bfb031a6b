package natsbus

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// shownRuns is what a list of runs is to tell: how they stand, that which changed last
// first.
type shownRuns struct{ marks []engine.Mark }

func (l *shownRuns) put(m engine.Mark) {
	l.drop(m.Run)
	l.marks = slices.Insert(l.marks, 0, m)
}

func (l *shownRuns) drop(run string) {
	l.marks = slices.DeleteFunc(l.marks, func(m engine.Mark) bool { return m.Run == run })
}

// runs are those that a query wants, as "run flow status".
func (l *shownRuns) runs(q RunsQuery) (all []string) {
	for _, m := range l.marks {
		if q.wants(m) {
			all = append(all, shown(m))
		}
	}
	return all
}

func shown(m engine.Mark) string { return fmt.Sprintf("%s %s %s", m.Run, m.Flow, m.Status) }

// toldPages reads all pages of a list as [shownRuns.runs] has it.
func toldPages(tb testing.TB, b *Bus, q RunsQuery) (all []string) {
	tb.Helper()
	for {
		page, next, err := b.Runs(tb.Context(), q)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range page {
			all = append(all, shown(m))
		}
		if q.Before = next; next == "" {
			return all
		}
	}
}

// endedMark is the mark of a run.
func endedMark(run, flow string, status engine.Status) engine.Mark {
	return engine.Mark{Run: run, Flow: flow, Status: status, Started: time.Now(), Ended: time.Now()}
}

// markMany stores marks in their order, without a wait for each.
func markMany(tb testing.TB, b *Bus, marks []engine.Mark) {
	tb.Helper()
	var acks []jetstream.PubAckFuture
	for _, m := range marks {
		data, err := json.Marshal(m)
		if err != nil {
			tb.Fatal(err)
		}
		ack, err := b.js.PublishAsync(b.indexPrefix()+token(m.Run), data)
		if err != nil {
			tb.Fatal(err)
		}
		acks = append(acks, ack)
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			tb.Fatal(err)
		}
	}
}

// TestRunsDigest lists runs that are begun, marked again and removed meanwhile, over and
// over by one process, which knows more of the index each time.
func TestRunsDigest(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	random := rand.New(rand.NewPCG(1, 2))
	flows := []string{"usual", "usual", "usual", "usual", "odd", `a"quote`}
	ends := []engine.Status{engine.StatusSucceeded, engine.StatusSucceeded, engine.StatusSucceeded, engine.StatusFailed, engine.StatusCanceled, "of a newer version"}
	var want shownRuns
	var known int
	for round := range 40 {
		var marks []engine.Mark
		for i := range 60 {
			n := 60*round + i
			if n > 0 && random.IntN(3) == 0 {
				n = random.IntN(n) // it is retried
			}
			m := endedMark(fmt.Sprintf("r%d", n), flows[random.IntN(len(flows))], ends[random.IntN(len(ends))])
			want.put(m)
			marks = append(marks, m)
		}
		markMany(t, b, marks)
		gone := want.marks[random.IntN(len(want.marks))].Run
		if err := b.purge(t.Context(), streamIndex, b.indexPrefix()+token(gone)); err != nil {
			t.Fatal(err)
		}
		want.drop(gone)
		q := RunsQuery{Limit: 10 + random.IntN(150), Flow: []string{"", "odd", `a"quote`}[random.IntN(3)], Status: []engine.Status{"", engine.StatusFailed, "of a newer version"}[random.IntN(3)]}
		if got, want := toldPages(t, b, q), want.runs(q); !slices.Equal(got, want) {
			t.Fatalf("in round %d %+v lists %d runs %v, want %d %v", round, q, len(got), got, len(want), want)
		}
		known = max(known, len(b.digest.newest(maxBlocks)))
	}
	if known < 5 {
		t.Errorf("%d blocks are known at most, want some: else this tests nothing", known)
	}
}

// TestRunsKnown reads of what is known only what is wanted.
func TestRunsKnown(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	var marks []engine.Mark
	for i := range 1500 {
		marks = append(marks, endedMark(fmt.Sprintf("r%d", i), "f", engine.StatusSucceeded), endedMark(fmt.Sprintf("again%d", i%7), "f", engine.StatusSucceeded)) // leaves gaps
		if i%500 == 250 {
			marks = append(marks, endedMark(fmt.Sprintf("bad%d", i), "f", engine.StatusFailed))
		}
	}
	markMany(t, b, marks)
	q := RunsQuery{Status: engine.StatusFailed}
	for _, most := range []int{1 << 20, blockSize + 10} { // what is new is read again
		s, err := b.scanIndex(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var runs []string
		for s.more() {
			found, err := s.next(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range found {
				m, err := e.mark()
				if err != nil {
					t.Fatal(err)
				}
				runs = append(runs, m.Run)
			}
		}
		if want := []string{"bad1250", "bad750", "bad250"}; !slices.Equal(runs, want) {
			t.Errorf("it found %v, want %v", runs, want)
		}
		if s.read > most {
			t.Errorf("it read %d entries of %d, want %d at most", s.read, s.passed, most)
		}
	}
}

// TestRunsOfNewStream lists from a stream that was made anew, or has lost its end,
// while the process remembers what it had.
func TestRunsOfNewStream(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	b := openBus(t, server.Connect, "main")
	q := RunsQuery{Status: engine.StatusFailed}
	for round, status := range []engine.Status{engine.StatusSucceeded, engine.StatusFailed, engine.StatusCanceled} {
		if err := b.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		var want shownRuns
		var marks []engine.Mark
		for i := range 3 * blockSize {
			marks = append(marks, endedMark(fmt.Sprintf("r%d-%d", round, i), "f", status))
			want.put(marks[i])
		}
		markMany(t, b, marks)
		for range 2 {
			if got, want := toldPages(t, b, q), want.runs(q); !slices.Equal(got, want) {
				t.Errorf("of stream %d it lists %d runs %v, want %d", round, len(got), got, len(want))
			}
		}
		if n := len(b.digest.newest(maxBlocks)); n < 2 {
			t.Errorf("of stream %d %d blocks are known, want some", round, n)
		}
		if err := b.js.DeleteStream(t.Context(), streamIndex); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFollowing: that an entry was not found does not tell that it is not there. What is
// found after it does, if that is found where it was sought.
func TestFollowing(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	b := openBus(t, server.Connect, "main")
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	var marks []engine.Mark
	for _, run := range []string{"1", "2", "3", "2", "3", "6", "7", "6"} { // leaves 1, 4, 5, 7 and 8
		marks = append(marks, endedMark(run, "f", engine.StatusFailed))
	}
	markMany(t, b, marks)
	wants := make([]wanted, 9)
	for i := range wants {
		wants[i].Seq = uint64(9 - i)
	}
	found, err := b.pick(t.Context(), streamIndex, wants)
	if err != nil {
		t.Fatal(err)
	}
	found[9-4] = nil // as a replica answers that does not have it yet
	if err := b.following(t.Context(), 9, found); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, e := range found {
		if e == nil {
			got = append(got, 0)
			continue
		}
		got = append(got, e.seq)
	}
	if want := []uint64{0, 8, 7, 7, 5, 0, 0, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("from 9 down to 1 follow %v, want %v", got, want)
	}
}

// TestLearnBehind keeps no digest of what a replica that is behind has answered.
func TestLearnBehind(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	b := openBus(t, server.Connect, "main")
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	var marks []engine.Mark
	for i := range 3*blockSize - 1 { // as many as blocks 0 to 2 have
		marks = append(marks, endedMark(fmt.Sprint(i), "f", engine.StatusFailed))
	}
	markMany(t, b, marks)
	const end = 3*blockSize - 1
	wants := make([]wanted, end)
	for i := range wants {
		wants[i].Seq = uint64(end - i)
	}
	for _, test := range []struct {
		behind uint64 // what the answer lacks
		want   []bool // the blocks that are known then
	}{{blockSize, []bool{true, false, true}}, {2*blockSize - 1, []bool{true, false, true}}, {end, []bool{true, true, false}}, {1, []bool{false, true, true}}} {
		found, err := b.pick(t.Context(), streamIndex, wants)
		if err != nil {
			t.Fatal(err)
		}
		found[end-test.behind] = nil
		b.digest.blocks = nil
		s := &scan{bus: b, filter: filterOf(RunsQuery{Flow: "f"})}
		tags, _, err := s.tags(found)
		if err == nil {
			err = s.learn(t.Context(), end, found, tags)
		}
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range test.want {
			if known := b.digest.block(uint64(n)) != nil; known != want {
				t.Errorf("without entry %d, block %d is known: %t, want %t", test.behind, n, known, want)
			}
		}
	}
}

// TestRunsListedAtOnce lists while runs are marked: those that stand still are always
// told.
func TestRunsListedAtOnce(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	var want []string
	var marks, moving []engine.Mark
	for i := range 900 {
		m := endedMark(fmt.Sprintf("r%d", i), "f", engine.StatusSucceeded)
		marks, moving = append(marks, m), append(moving, m)
		if i%100 == 0 {
			m := endedMark(fmt.Sprintf("still%d", i), "rare", engine.StatusFailed)
			marks, want = append(marks, m), append(want, shown(m))
		}
	}
	markMany(t, b, marks)
	slices.Reverse(want)
	var all sync.WaitGroup
	for _, q := range []RunsQuery{{Flow: "rare"}, {Status: engine.StatusFailed, Limit: 3}, {Flow: "rare", Status: engine.StatusFailed, Limit: 1}} {
		all.Go(func() {
			for range 10 {
				if got := toldPages(t, b, q); !slices.Equal(got, want) {
					t.Errorf("%+v lists %v, want %v", q, got, want)
				}
			}
		})
	}
	for i := range 60 {
		markMany(t, b, moving[10*(i%30):10*(i%30)+5])
	}
	all.Wait()
}

// TestDigestBound keeps so many blocks, those that are new.
func TestDigestBound(t *testing.T) {
	t.Parallel()
	var d digest
	for n := range uint64(maxBlocks + 10) {
		d.put(&block{number: n + 1})
	}
	d.put(&block{number: 3}) // what is older than all others is not kept
	if n := len(d.blocks); n != maxBlocks {
		t.Fatalf("%d blocks are kept, want %d", n, maxBlocks)
	}
	if d.block(10) != nil || d.block(11) == nil || d.block(maxBlocks+10) == nil {
		t.Error("want the blocks with the highest numbers to be kept")
	}
	newest := d.newest(2)
	if newest[0].number != maxBlocks+10 || newest[1].number != maxBlocks+9 {
		t.Errorf("the newest are %d and %d", newest[0].number, newest[1].number)
	}
	d.drop(newest[0])
	d.drop(newest[0])
	if d.block(maxBlocks+10) != nil || d.newest(1)[0] != newest[1] {
		t.Error("what is dropped is there")
	}
	d.clear(5 * blockSize) // of what is not kept
}
