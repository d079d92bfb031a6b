package natsbus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// ended makes the log of a run of n tasks, and marks it as ended.
func ended(tb testing.TB, b *Bus, run string, n int) []*engine.Event {
	tb.Helper()
	ctx, blobs := tb.Context(), newBlobs(b)
	j := newJournal(b, blobs)
	graph, _, err := blobs.Put(ctx, run, strings.NewReader(`{"name":"f"}`))
	if err != nil {
		tb.Fatal(err)
	}
	begun := time.Now().UTC()
	all := []*engine.Event{{Type: engine.EventStarted, Time: begun, Input: json.RawMessage(`{"n":1}`), Basis: &engine.Basis{Graph: graph}}}
	if _, err := j.Append(ctx, run, "", 0, all[0]); err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		e := &engine.Event{Type: engine.EventCompleted, Time: time.Now().UTC(), Activation: fmt.Sprintf("a%d", i), Attempt: 1, Value: json.RawMessage(`{"ok":true}`)}
		if _, err := j.Append(ctx, run, e.Activation, 0, e); err != nil {
			tb.Fatal(err)
		}
		all = append(all, e)
	}
	if err := b.mark(ctx, engine.Mark{Run: run, Flow: "f", Status: engine.StatusSucceeded, Started: begun, Ended: time.Now()}); err != nil {
		tb.Fatal(err)
	}
	return all
}

// sweepNow archives what has ended, of all partitions.
func sweepNow(tb testing.TB, b *Bus) {
	tb.Helper()
	if err := b.sweep(tb.Context(), Retention{ArchiveAfter: 1, Keep: -1}, allPartitions()); err != nil {
		tb.Fatal(err)
	}
}

func allPartitions() map[int]bool {
	all := map[int]bool{}
	for p := range Partitions {
		all[p] = true
	}
	return all
}

// count is how many messages a stream has on subjects.
func count(tb testing.TB, b *Bus, stream, filter string) (n int) {
	tb.Helper()
	for after := uint64(0); ; {
		found, err := b.gather(tb.Context(), stream, wanted{Seq: after + 1, Next: filter, Batch: directBatch})
		if err != nil {
			tb.Fatal(err)
		}
		if n += len(found); len(found) < directBatch {
			return n
		}
		after = found[len(found)-1].seq
	}
}

func sameEvents(tb testing.TB, what string, got, want []*engine.Event) {
	tb.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		tb.Fatal(err)
	}
	w, err := json.Marshal(want)
	if err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		tb.Errorf("%s: got %s\nwant %s", what, g, w)
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	want := ended(t, b, "done", 600)
	open := ended(t, b, "open", 2)
	if err := b.mark(t.Context(), engine.Mark{Run: "open", Status: engine.StatusRunning}); err != nil {
		t.Fatal(err)
	}
	if none, err := b.archived(t.Context(), "done"); err != nil || none != nil {
		t.Fatalf("before it was archived: %v, %v", none, err)
	}
	chain := uint64(0) // an activation that took several attempts
	for range 3 {
		e := &engine.Event{Type: engine.EventFailed, Activation: "x", Error: &engine.TaskError{Kind: "error"}}
		seq, err := newJournal(b, newBlobs(b)).Append(t.Context(), "done", "x", chain, e)
		if err != nil {
			t.Fatal(err)
		}
		chain = seq
		want = append(want, e)
	}
	// Of another's partitions, and of runs that ended just now, nothing is touched.
	others := allPartitions()
	delete(others, partition(b.cfg.Namespace, "done"))
	for _, s := range []struct {
		Retention
		mine map[int]bool
	}{{Retention{ArchiveAfter: 1, Keep: -1}, others}, {Retention{ArchiveAfter: time.Hour, Keep: -1}, allPartitions()}, {Retention{ArchiveAfter: -1, Keep: -1}, allPartitions()}} {
		if err := b.sweep(t.Context(), s.Retention, s.mine); err != nil {
			t.Fatal(err)
		}
		if n := count(t, b, streamRuns, b.runPrefix("done")+".>"); n != 604 {
			t.Fatalf("the log has %d messages, want 604: it was not to be archived", n)
		}
	}
	sweepNow(t, b)
	if n := count(t, b, streamRuns, b.runPrefix("done")+".>"); n != 0 {
		t.Errorf("%d messages of the log are left", n)
	}
	if n := count(t, b, streamArchive, b.archiveSubject("done", ">")); n != 1 {
		t.Errorf("the archive has %d messages, want 1", n)
	}
	got, err := b.archived(t.Context(), "done")
	if err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "the archive", got, want)
	left, err := newJournal(b, newBlobs(b)).Read(t.Context(), "open", 0)
	if err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "a run that has not ended", left, open)
}

// A retry that comes while a run is archived is not lost: see archiveRun.
func TestArchiveWhileRetried(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	ctx := t.Context()
	want := ended(t, b, "r", 2)
	retried := &engine.Event{Type: engine.EventRetried, Time: time.Now().UTC()}
	j := newJournal(b, newBlobs(b))

	// After its mark: it is left alone.
	seq, err := j.Append(ctx, "r", "", want[0].Seq, retried)
	if err != nil {
		t.Fatal(err)
	}
	sweepNow(t, b)
	if n := count(t, b, streamRuns, b.runPrefix("r")+".>"); n != 4 {
		t.Fatalf("the log has %d messages, want all 4: the run goes on", n)
	}

	// Between the reading and the purge: what is left of the log is brought back
	// together with the archive.
	if err := b.archive(ctx, "r", want); err != nil {
		t.Fatal(err)
	}
	if err := b.purgeThrough(ctx, streamRuns, b.runPrefix("r")+".>", seq-1); err != nil {
		t.Fatal(err)
	}
	if err := b.Unarchive(ctx, "r"); err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "what it is based on", basis(t, b, "r"), append(want, retried))
}

// basis are the events that a run which was brought back is based on.
func basis(tb testing.TB, b *Bus, run string) []*engine.Event {
	tb.Helper()
	blobs := newBlobs(b)
	log, err := newJournal(b, blobs).Read(tb.Context(), run, 0)
	if err != nil || len(log) != 1 || log[0].Type != engine.EventStarted || log[0].Basis == nil {
		tb.Fatalf("the log is %v, %v; want one start", log, err)
	}
	r, err := blobs.Open(tb.Context(), run, log[0].Basis.Events)
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	events, err := decodeEvents(r)
	if err != nil {
		tb.Fatal(err)
	}
	return events
}

func TestUnarchive(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	want := ended(t, b, "r", 3)
	if err := b.Unarchive(t.Context(), "r"); err != nil {
		t.Fatalf("a run that is not archived: %v", err)
	}
	if n := count(t, b, streamRuns, b.runPrefix("r")+".>"); n != 4 {
		t.Fatalf("its log has %d messages, want 4 as before", n)
	}
	if err := b.Unarchive(t.Context(), "none"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a run that is nowhere: %v, want ErrNotFound", err)
	}
	for range 3 { // again and again, each on what was before
		sweepNow(t, b)
		if n := count(t, b, streamRuns, b.runPrefix("r")+".>"); n != 0 {
			t.Fatalf("%d messages of the log are left", n)
		}
		if err := b.Unarchive(t.Context(), "r"); err != nil {
			t.Fatal(err)
		}
		sameEvents(t, "what it is based on", basis(t, b, "r"), want)
		log, err := newJournal(b, newBlobs(b)).Read(t.Context(), "r", 0)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, log...)
	}
}

func TestArchiveTampered(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	events := []*engine.Event{{Type: engine.EventStarted, Input: json.RawMessage(`"` + string(hexed(3*chunkBytes)) + `"`)}}
	if err := b.archive(t.Context(), "r", events); err != nil {
		t.Fatal(err)
	}
	got, err := b.archived(t.Context(), "r")
	if err != nil || !reflect.DeepEqual(got, events) {
		t.Fatalf("an archive of several parts: %v", err)
	}
	last := b.archiveSubject("r", "1")
	part, err := b.archivePart(t.Context(), "r", 1)
	if err != nil {
		t.Fatal(err)
	}
	part.data[5] ^= 1
	if err := b.persist(t.Context(), &nats.Msg{Subject: last, Data: part.data}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.archived(t.Context(), "r"); !errors.Is(err, ErrTampered) {
		t.Errorf("a changed byte: %v, want ErrTampered", err)
	}
	if err := b.purge(t.Context(), streamArchive, last); err != nil {
		t.Fatal(err)
	}
	if _, err := b.archived(t.Context(), "r"); !errors.Is(err, ErrTampered) || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a part that is gone: %v, want ErrTampered", err)
	}
}

// hexed is text that does not compress well.
func hexed(n int) []byte {
	out := make([]byte, n)
	for i, c := range moduleOf(n, 9) {
		out[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[c%64]
	}
	return out
}

// handle is a handler that is a function.
type handle func() error

func (h handle) Handle(context.Context, *engine.Call) (engine.Result, error) {
	return engine.Result{Value: json.RawMessage("1")}, h()
}

// An engine goes on with a run that was archived and brought back: what had
// succeeded stays so.
func TestRetryArchivedRun(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	backend := engine.InMemory()
	blobs := newBlobs(b)
	backend.Journal, backend.Blobs = newJournal(b, blobs), blobs
	var firsts, broken int
	e, err := engine.New(engine.Config{
		Retain: true, Backend: backend, Concurrency: 1,
		Handlers: map[string]engine.Handler{
			"first": handle(func() error { firsts++; return nil }),
			"second": handle(func() error {
				if broken++; broken == 1 {
					return errors.New("boom")
				}
				return nil
			}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	spec := engine.Spec{Name: "f", Tasks: []engine.Task{{ID: "a", Handler: "first"}, {ID: "b", Handler: "second"}}, Edges: []engine.Edge{{From: "a", To: "b"}}}
	g, err := spec.Build()
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Start(t.Context(), g, engine.Start{ID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Wait(t.Context())
	if err != nil || out.Status != engine.StatusFailed {
		t.Fatalf("the run ended as %v, %v; want failed", out.Status, err)
	}
	if err := b.mark(t.Context(), engine.Mark{Run: "r", Status: engine.StatusFailed, Ended: time.Now()}); err != nil {
		t.Fatal(err)
	}
	until(t, "its archive", func() bool { // the engine may let go of it a little later
		sweepNow(t, b)
		return count(t, b, streamRuns, b.runPrefix("r")+".>") == 0
	})
	if err := b.Unarchive(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if r, err = e.Retry(t.Context(), "r", engine.RetryFrom{}); err != nil {
		t.Fatal(err)
	}
	if out, err = r.Wait(t.Context()); err != nil || out.Status != engine.StatusSucceeded {
		t.Fatalf("the retried run ended as %v, %v", out.Status, err)
	}
	if firsts != 1 || broken != 2 {
		t.Errorf("a was executed %d times, b %d times; want 1 and 2", firsts, broken)
	}
}
