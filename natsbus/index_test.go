package natsbus

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// markAll marks runs r0… as ended, every third as failed.
func markAll(tb testing.TB, b *Bus, n int) {
	tb.Helper()
	at := time.Now()
	for i := range n {
		m := engine.Mark{Run: fmt.Sprintf("r%d", i), Flow: "f", Status: engine.StatusSucceeded, Started: at, Ended: at}
		if i%3 == 0 {
			m.Status = engine.StatusFailed
		}
		if err := b.mark(tb.Context(), m); err != nil {
			tb.Fatal(err)
		}
	}
}

// pages reads all pages of a list.
func pages(tb testing.TB, b *Bus, q RunsQuery) (runs []string) {
	tb.Helper()
	for {
		page, next, err := b.Runs(tb.Context(), q)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range page {
			runs = append(runs, m.Run)
		}
		if next == "" {
			return runs
		}
		q.Before = next
	}
}

func TestRunsPages(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	if runs := pages(t, b, RunsQuery{}); len(runs) != 0 {
		t.Fatalf("an empty index lists %v", runs)
	}
	const n = 700
	markAll(t, b, n)
	runs := pages(t, b, RunsQuery{Limit: 64})
	if len(runs) != n {
		t.Fatalf("listed %d runs, want %d", len(runs), n)
	}
	for i, run := range runs {
		if want := fmt.Sprintf("r%d", n-1-i); run != want {
			t.Fatalf("run %d of the list is %s, want %s", i, run, want)
		}
	}
	failed := pages(t, b, RunsQuery{Status: engine.StatusFailed, Limit: 50})
	if want := (n + 2) / 3; len(failed) != want {
		t.Errorf("listed %d failed runs, want %d", len(failed), want)
	}
	if none := pages(t, b, RunsQuery{Flow: "other"}); len(none) != 0 {
		t.Errorf("another flow lists %v", none)
	}
	if none := pages(t, b, RunsQuery{Since: time.Now().Add(time.Hour)}); len(none) != 0 {
		t.Errorf("the future lists %v", none)
	}
}

// What changed last is first, once, and gaps of thousands of replaced entries are
// leapt over.
func TestRunsAcrossGaps(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	markAll(t, b, 5)
	busy := engine.Mark{Run: "busy", Status: engine.StatusRunning, Started: time.Now()}
	for busy.Tasks = range 3000 {
		if err := b.mark(t.Context(), busy); err != nil {
			t.Fatal(err)
		}
	}
	markAll(t, b, 1)
	runs := pages(t, b, RunsQuery{})
	if got, want := fmt.Sprint(runs), "[r0 busy r4 r3 r2 r1]"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	_, last, err := b.marked(t.Context(), "r4")
	if err != nil {
		t.Fatal(err)
	}
	// From the middle of what was replaced to what is before that, with a few requests.
	if at, err := b.indexGap(t.Context(), last.seq+2000); err != nil || at < last.seq || at >= last.seq+indexBatch {
		t.Errorf("leapt from %d to %d, %v; want %d or a little more", last.seq+2000, at, err, last.seq)
	}
	m, err := b.Run(t.Context(), "busy")
	if err != nil || m.Tasks != 2999 {
		t.Errorf("the run's mark is %+v, %v; want the last one", m, err)
	}
	if _, err := b.Run(t.Context(), "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a run that is not there: %v, want ErrNotFound", err)
	}
}

func TestOver(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	markAll(t, b, 2)
	if err := b.mark(t.Context(), engine.Mark{Run: "open", Status: engine.StatusRunning}); err != nil {
		t.Fatal(err)
	}
	runs := []string{"open", "r0", "r1"}
	for i := range 2500 { // more than one request may name
		runs = append(runs, fmt.Sprintf("unknown%d", i))
	}
	over, err := b.over(t.Context(), runs)
	if err != nil {
		t.Fatal(err)
	}
	if len(over) != 2 || !over["r0"] || !over["r1"] {
		t.Errorf("over are %v, want r0 and r1", over)
	}
}

// TestRunsOpen lists what has not ended without reading what has.
func TestRunsOpen(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	at := time.Now()
	for i, status := range []engine.Status{engine.StatusRunning, engine.StatusPaused, engine.StatusSucceeded, engine.StatusRunning, engine.StatusPaused} {
		m := engine.Mark{Run: fmt.Sprintf("r.%d", i), Flow: "f", Status: status, Started: at}
		if status == engine.StatusSucceeded {
			m.Ended = at
		}
		if _, err := b.publishAt(t.Context(), streamRuns, b.runPrefix(m.Run)+leafStart, 0, &nats.Msg{Subject: b.runPrefix(m.Run) + leafStart, Data: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		if err := b.mark(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	markAll(t, b, 1000)
	for _, test := range []struct {
		q    RunsQuery
		want []string
	}{
		{RunsQuery{Open: true, Limit: 3}, []string{"r.4", "r.3", "r.1", "r.0"}},
		{RunsQuery{Status: engine.StatusPaused}, []string{"r.4", "r.1"}},
		{RunsQuery{Status: engine.StatusRunning, Limit: 1}, []string{"r.3", "r.0"}},
		{RunsQuery{Open: true, Flow: "other"}, nil},
	} {
		if got := pages(t, b, test.q); !slices.Equal(got, test.want) {
			t.Errorf("%+v lists %v, want %v", test.q, got, test.want)
		}
	}
	if _, _, err := b.Runs(t.Context(), RunsQuery{Open: true, Before: "x"}); err == nil {
		t.Error("before x: want it to be refused")
	}
}
