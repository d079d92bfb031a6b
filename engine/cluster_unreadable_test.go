package engine_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestClusterUnreadableLog: an owner gives a run up whose log can't be read, for good,
// and drives others as before.
func TestClusterUnreadableLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		client := f.join("client", engine.PartNone, nil)
		b := f.shared.Backend()
		b.Journal = unreadableLog{b.Journal}
		f.joinOn("owner", b, engine.PartOwner, 1, nil)
		f.start(client, f.spec("a"), "bad")
		o := f.start(client, f.spec("a"), "good")
		time.Sleep(time.Second) // virtual
		f.join("worker", engine.PartWorker, nil)
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
		m := f.shared.Marked("bad")
		if m.Status != engine.StatusFailed || m.Reason != engine.ReasonCorrupt || m.Ended.IsZero() || !strings.Contains(m.Error, "event 1") {
			t.Errorf("marked as %+v, want failed as corrupt", m)
		}
		if got := f.shared.Buried(); len(got) != 1 || got[0].Run != "bad" || !strings.Contains(got[0].Reason, "event 1") {
			t.Errorf("dead letters %+v, want one of the run", got)
		}
		if got := f.log(); len(got) != 1 {
			t.Errorf("ran %q, want the other run's task alone", got)
		}
	})
}

// unreadableLog has no event of the run bad that can be read.
type unreadableLog struct{ engine.Journal }

func (j unreadableLog) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	if run == "bad" {
		return nil, fmt.Errorf("event 1: %w", engine.ErrUnreadable)
	}
	return j.Journal.Read(ctx, run, after)
}

// TestClusterUnreadableGraph: a worker that can't read a run's graph fails what it was
// to execute, and goes on with others.
func TestClusterUnreadableGraph(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		bad := f.start(owner, f.spec("a>b"), "bad")
		synctest.Wait()
		b := f.shared.Backend()
		b.Blobs = unreadableBlobs{b.Blobs}
		worker := f.joinOn("worker", b, engine.PartWorker, 1, nil)
		out := f.wait(bad)
		if out.Status != engine.StatusFailed || out.Error == nil || !out.Error.Permanent || !strings.Contains(out.Error.Message, "spoiled") {
			t.Errorf("outcome %+v (%v), want failed as the graph is spoiled", out, out.Error)
		}
		if got := f.shared.Buried(); len(got) != 1 || got[0].Activation != "a" || !strings.Contains(got[0].Reason, "spoiled") {
			t.Errorf("dead letters %+v, want one of a", got)
		}
		if out := f.wait(f.start(owner, f.spec("a"), "good")); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
		if got, want := worker.Stats(), (engine.Stats{Processed: 2, Succeeded: 1, Failed: 1}); got != want {
			t.Errorf("processed %+v, want %+v", got, want)
		}
	})
}

// unreadableBlobs are those of the run bad.
type unreadableBlobs struct{ engine.Blobs }

func (b unreadableBlobs) Open(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	if run == "bad" {
		return nil, fmt.Errorf("spoiled: %w", engine.ErrUnreadable)
	}
	return b.Blobs.Open(ctx, run, digest)
}
