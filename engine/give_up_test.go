package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

var errDisk = errors.New("disk is gone")

// faultyJournal is a journal of which one append fails, with or without effect.
type faultyJournal struct {
	engine.Journal
	left   atomic.Int64 // appends until then
	effect bool
}

func (f *faultyJournal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if f.left.Add(-1) != 0 {
		return f.Journal.Append(ctx, run, chain, expect, e)
	}
	if f.effect {
		if _, err := f.Journal.Append(ctx, run, chain, expect, e); err != nil {
			return 0, err
		}
	}
	return 0, errDisk
}

// TestStorageFails: a run whose storage fails is given up with the error, and goes
// on from its journal, in the same process too. Each task is committed once.
func TestStorageFails(t *testing.T) {
	t.Parallel()
	for _, effect := range []bool{false, true} {
		for n := int64(2); n <= 6; n++ {
			t.Run(fmt.Sprintf("append %d, effect %t", n, effect), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, inMemory)
				w.retained()
				w.config.Logger = slog.New(slog.DiscardHandler)
				f := &faultyJournal{Journal: w.backend.Journal, effect: effect}
				f.left.Store(n)
				w.backend.Journal = f
				r := w.start(w.nodes(engine.Seq(w.plain("a"), engine.Par(w.plain("b"), w.plain("c")), w.plain("d"), w.plain("e"))))
				if _, err := r.Wait(t.Context()); !errors.Is(err, errDisk) {
					t.Fatalf("error %v, want the storage's", err)
				}
				w.wantIs(r.Cancel(""), errDisk)
				again, err := w.engine.Recover(t.Context(), r.ID())
				if err != nil {
					t.Fatal(err)
				}
				w.wantSucceeded(w.wait(again), `"e"`)
				wantCommittedOnce(t, w.backend.Journal, r.ID(), 5)
			})
		}
	}
}

// wantCommittedOnce wants n tasks to have completed, each once.
func wantCommittedOnce(t *testing.T, j engine.Journal, run string, n int) {
	t.Helper()
	events, err := j.Read(t.Context(), run, 0)
	if err != nil {
		t.Fatal(err)
	}
	var done []string
	for _, e := range events {
		if e.Type == engine.EventCompleted {
			done = append(done, e.Activation)
		}
	}
	slices.Sort(done)
	if c := slices.Compact(slices.Clone(done)); len(c) != len(done) || len(done) != n {
		t.Errorf("completed %q, want %d, each once", done, n)
	}
}
