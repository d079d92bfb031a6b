package natsbus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
)

// skipOthers skips the suite's cases of other parts, which are run elsewhere.
func skipOthers(t *testing.T) {
	t.Helper()
	if !strings.Contains(t.Name(), "/Journal/") {
		t.Skip("of another part")
	}
}

// TestJournalSuiteOwned is of TestBackendSuite what the journal is to do, with the runs followed.
func TestJournalSuiteOwned(t *testing.T) {
	t.Parallel()
	enginetest.Suite{Open: func(t *testing.T) *engine.Backend {
		t.Helper()
		skipOthers(t)
		all := engine.InMemory()
		j := newJournal(sharedBus(t, newNamespace()), all.Blobs)
		startOwner(t, j)
		eventually(t, "all is owned", func() bool { return following(j) == Partitions })
		all.Journal = j
		return all
	}}.Run(t)
}

func testJournal(tb testing.TB) *Journal {
	tb.Helper()
	return newJournal(sharedBus(tb, newNamespace()), engine.InMemory().Blobs)
}

func mustAppend(tb testing.TB, j *Journal, run, chain string, expect uint64, e *engine.Event) uint64 {
	tb.Helper()
	seq, err := j.Append(tb.Context(), run, chain, expect, e)
	if err != nil {
		tb.Fatal(err)
	}
	return seq
}

// run_started has a subject of its own, but is of the chain of decisions.
func TestJournalDecisions(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	start := mustAppend(t, j, "r", "", 0, &engine.Event{Type: engine.EventStarted})
	if _, err := j.Append(t.Context(), "r", "", 0, &engine.Event{Type: engine.EventStarted}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a second start: %v, want ErrConflict", err)
	}
	if _, err := j.Append(t.Context(), "r", "", 0, &engine.Event{Type: engine.EventHeld}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a decision that does not know of the start: %v, want ErrConflict", err)
	}
	held := mustAppend(t, j, "r", "", start, &engine.Event{Type: engine.EventHeld})
	if last, err := j.Last(t.Context(), "r", ""); last != held || err != nil {
		t.Errorf("last: %d, %v, want %d", last, err, held)
	}
}

// An event that no message has room for is read as it was.
func TestJournalLargeEvent(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	value := json.RawMessage(`"` + strings.Repeat("x", 3<<20) + `"`)
	mustAppend(t, j, "r", "a", 0, &engine.Event{Type: engine.EventCompleted, Activation: "a", Value: value})
	mustAppend(t, j, "r", "b", 0, &engine.Event{Type: engine.EventCompleted, Activation: "b"})
	events, err := j.Read(t.Context(), "r", 0)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if string(events[0].Value) != string(value) || events[1].Activation != "b" {
		t.Errorf("the events came back as others: a value of %d bytes, %q", len(events[0].Value), events[1].Activation)
	}
}

// More than fits into a page is read page by page, in order.
func TestJournalPages(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	const n = 2*pageSize + 7
	for i := range n {
		chain := fmt.Sprint(i)
		mustAppend(t, j, "r", chain, 0, &engine.Event{Type: engine.EventCompleted, Activation: chain})
	}
	events, err := j.Read(t.Context(), "r", 0)
	if err != nil || len(events) != pageSize {
		t.Fatalf("a page of %d events, %v; want %d", len(events), err, pageSize)
	}
	last, err := j.Last(t.Context(), "r", fmt.Sprint(n-1))
	if err != nil {
		t.Fatal(err)
	}
	all, err := j.ReadThrough(t.Context(), "r", 0, last)
	if err != nil || len(all) != n {
		t.Fatalf("%d events through the last, %v; want %d", len(all), err, n)
	}
	for i, e := range all {
		if e.Activation != fmt.Sprint(i) {
			t.Fatalf("event %d is of %s", i, e.Activation)
		}
	}
	if _, err := j.ReadThrough(t.Context(), "r", 0, last+1); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("read through what is not there: %v, want ErrNotFound", err)
	}
}

// With replicas the one that answers may be late: the leader has the last word.
func TestJournalAsksTheLeader(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	first := mustAppend(t, j, "r", "a", 0, &engine.Event{Type: engine.EventCompleted, Activation: "a"})
	entries, err := j.next(t.Context(), j.bus.runPrefix("r")+".>", 0)
	if err != nil || len(entries) != 1 || entries[0].seq != first {
		t.Fatalf("next: %d entries, %v", len(entries), err)
	}
	if entries, err = j.next(t.Context(), j.bus.runPrefix("r")+".>", first); err != nil || len(entries) != 0 {
		t.Fatalf("next after the last: %d entries, %v", len(entries), err)
	}
}
