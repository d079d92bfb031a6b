package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// counted is a journal that counts how often a run's events are read.
type counted struct {
	engine.Journal

	reads atomic.Int64
}

func (c *counted) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	c.reads.Add(1)
	return c.Journal.Read(ctx, run, after)
}

// TestReadsOnce has the graph of a run read the beginning of its journal, and its history
// and a checkpoint each event once: what follows the last is asked for besides.
func TestReadsOnce(t *testing.T) {
	t.Parallel()
	backend := engine.InMemory()
	journal := &counted{Journal: backend.Journal}
	backend.Journal = journal
	h := direct.New()
	direct.Func(h, "same", func(_ *direct.Context, in any) (any, error) { return in, nil })
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: backend, Retain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	g, err := engine.NewGraph("g", engine.Task{ID: "a", Handler: "direct", Spec: []byte(`{"func":"same"}`)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), g, []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]struct {
		times int64
		do    func() error
	}{
		"graph": {1, func() error {
			got, err := e.Graph(t.Context(), out.Run)
			if err == nil && got.Digest() != g.Digest() {
				t.Errorf("the run has the graph %s, want %s", got.Digest(), g.Digest())
			}
			return err
		}},
		"history":    {2, func() error { _, err := e.History(t.Context(), out.Run); return err }},
		"checkpoint": {2, func() error { _, err := e.Export(t.Context(), out.Run, "#1"); return err }},
	} {
		journal.reads.Store(0)
		if err := read.do(); err != nil || journal.reads.Load() != read.times {
			t.Errorf("%s: the journal is read %d times, want %d; %v", name, journal.reads.Load(), read.times, err)
		}
	}
	if _, err := e.Graph(t.Context(), "nobody"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("of no run: %v", err)
	}
}
