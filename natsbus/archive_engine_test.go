package natsbus

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// crew is engines on the shared server, each with a connection of its own.
type crew struct {
	*testing.T
	namespace     string
	firsts, fails atomic.Int64 // executions of a, and of b that are to fail yet
	seconds       atomic.Int64
}

func newCrewOf(t *testing.T) *crew {
	t.Helper()
	return &crew{T: t, namespace: newNamespace()}
}

func (c *crew) join(part engine.Part) (*engine.Engine, *Bus) {
	c.Helper()
	b := sharedBus(c.T, c.namespace)
	e := startEngine(c.T, b, part, map[string]engine.Handler{
		"first": handle(func() error { c.firsts.Add(1); return nil }),
		"second": handle(func() error {
			if c.seconds.Add(1) <= c.fails.Load() {
				return errors.New("boom")
			}
			return nil
		}),
	})
	return e, b
}

func startEngine(t *testing.T, b *Bus, part engine.Part, handlers map[string]engine.Handler) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{
		Retain: true, Backend: b.Backend(), Part: part, Concurrency: 2, Handlers: handlers, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Join(); err != nil {
		t.Fatal(err)
	}
	return e
}

// twoSteps is a flow of first, then second.
func twoSteps(t *testing.T) *engine.Graph {
	t.Helper()
	spec := engine.Spec{
		Name:  "f",
		Tasks: []engine.Task{{ID: "a", Handler: "first"}, {ID: "b", Handler: "second"}},
		Edges: []engine.Edge{{From: "a", To: "b"}},
	}
	g, err := spec.Build()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func wantEnd(t *testing.T, what string, o *engine.Running, err error, want engine.Status) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if out, err := o.Wait(t.Context()); err != nil || out.Status != want {
		t.Fatalf("%s ended as %v, %v; want %v", what, out.Status, err, want)
	}
}

// archiveNow archives the run r, which has ended, once its owner has marked that.
func archiveNow(t *testing.T, b *Bus) {
	t.Helper()
	const run = "r"
	until(t, "the archive of "+run, func() bool {
		sweepNow(t, b)
		m, err := b.Run(t.Context(), run)
		return err == nil && !m.Ended.IsZero() && count(t, b, streamRuns, b.runPrefix(run)+".>") == 0
	})
}

// An archived run is as readable as before, by whomever, its id stays taken, and it
// can be retried, forked and archived again.
func TestEnginesAndTheArchive(t *testing.T) {
	t.Parallel()
	c := newCrewOf(t)
	c.fails.Store(2)
	owner, bus := c.join(engine.PartBoth)
	other, _ := c.join(engine.PartNone)
	o, err := owner.Start(t.Context(), twoSteps(t), engine.Start{ID: "r"})
	wantEnd(t, "the run", o, err, engine.StatusFailed)
	before, err := other.History(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	archiveNow(t, bus)

	for name, e := range map[string]*engine.Engine{"its owner": owner, "another": other} {
		h, err := e.History(t.Context(), "r")
		if err != nil {
			t.Fatalf("%s reads the history: %v", name, err)
		}
		sameEvents(t, name+" reads the history", h.Events, before.Events)
		if h.Outcome.Status != engine.StatusFailed {
			t.Errorf("%s reads that it ended as %v", name, h.Outcome.Status)
		}
		if _, err := e.Start(t.Context(), twoSteps(t), engine.Start{ID: "r"}); !errors.Is(err, engine.ErrRunExists) {
			t.Errorf("%s starts it anew: %v, want ErrRunExists", name, err)
		}
		o, err = e.Follow(t.Context(), "r")
		wantEnd(t, name+" follows it: it", o, err, engine.StatusFailed)
	}

	o, err = owner.Retry(t.Context(), "r", engine.RetryFrom{})
	wantEnd(t, "the retried run", o, err, engine.StatusFailed)
	archiveNow(t, bus)
	o, err = owner.Retry(t.Context(), "r", engine.RetryFrom{})
	wantEnd(t, "the run retried again", o, err, engine.StatusSucceeded)
	wantWhole(t, other, "before it is archived", before.Events)
	archiveNow(t, bus)
	wantWhole(t, other, "from the archive", before.Events)
	if c.firsts.Load() != 1 || c.seconds.Load() != 3 {
		t.Errorf("a was executed %d times, b %d times; want 1 and 3", c.firsts.Load(), c.seconds.Load())
	}
	if _, err := owner.Retry(t.Context(), "none", engine.RetryFrom{}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("retry a run that never was: %v, want ErrNotFound", err)
	}
}

// wantWhole sees that a history has all events, those given first, and two retries.
func wantWhole(t *testing.T, e *engine.Engine, what string, first []*engine.Event) {
	t.Helper()
	h, err := e.History(t.Context(), "r")
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	retried := 0
	for _, ev := range h.Events {
		if ev.Type == engine.EventRetried {
			retried++
		}
	}
	if retried != 2 || len(h.Events) < len(first) || h.Outcome.Status != engine.StatusSucceeded {
		t.Errorf("%s: %d events with %d retries, ended as %v", what, len(h.Events), retried, h.Outcome.Status)
		return
	}
	sameEvents(t, what, h.Events[:len(first)], first)
}

// Reads go on where they were, whichever part of a log they are in.
func TestReadArchivedFrom(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	want := ended(t, b, "r", 5)
	followed := newJournal(b, nil)
	startDriver(t, followed, func(string, *engine.Event) {})
	eventually(t, "all is followed", func() bool { return following(followed) == Partitions })
	for _, archived := range []bool{false, true, true} { // twice: what was read once may be kept
		for name, j := range map[string]*Journal{"a reader": newJournal(b, nil), "who follows": followed} {
			for i := range len(want) + 1 {
				after := uint64(0)
				if i > 0 {
					after = want[i-1].Seq
				}
				got, err := j.Read(t.Context(), "r", after)
				if err != nil {
					t.Fatal(err)
				}
				sameEvents(t, fmt.Sprintf("%s, archived %t, after %d", name, archived, i), append([]*engine.Event{}, got...), want[i:])
			}
			if all, err := j.ReadThrough(t.Context(), "r", 0, want[5].Seq); err != nil || len(all) != 6 {
				t.Errorf("%s, archived %t: read through its last: %d events, %v", name, archived, len(all), err)
			}
		}
		if !archived {
			sweepNow(t, b)
			followed.Settled("r")
		}
	}
	// What comes too late to be archived follows.
	j := newJournal(b, nil)
	late := &engine.Event{Type: engine.EventCompleted, Activation: "late", Time: time.Now().UTC(), Value: json.RawMessage("1")}
	mustAppend(t, j, "r", "late", 0, late)
	got, err := j.Read(t.Context(), "r", 0)
	if err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "with a late event", got, append(want, late))
	if _, err := j.Append(t.Context(), "r", "", 0, &engine.Event{Type: engine.EventStarted}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("start an archived run: %v, want ErrConflict", err)
	}
	if err := j.Forget(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Read(t.Context(), "r", 0); err != nil || len(got) != 0 {
		t.Errorf("a forgotten run has %d events, %v", len(got), err)
	}
}
