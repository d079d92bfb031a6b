package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// narrowQueue takes nothing while it is busy.
type narrowQueue struct {
	engine.Queue

	busy  atomic.Bool
	tries atomic.Int64
}

func (q *narrowQueue) Enqueue(ctx context.Context, receiving bool, ds ...*engine.Delivery) error {
	q.tries.Add(1)
	if q.busy.Load() {
		return fmt.Errorf("enqueue %d: %w", len(ds), engine.ErrBusy)
	}
	return q.Queue.Enqueue(ctx, receiving, ds...)
}

// TestRunWaitsForRoom fills the queue for a while: runs go on by themselves once it
// has room, and the log says once that they wait.
func TestRunWaitsForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		f.join("worker", engine.PartWorker, nil)
		b := f.shared.Backend()
		q := &narrowQueue{Queue: b.Queue}
		b.Queue = q
		var log bytes.Buffer
		e, err := engine.New(engine.Config{Backend: b, Part: engine.PartOwner, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Join(); err != nil {
			t.Fatal(err)
		}
		client := f.join("client", engine.PartNone, nil)
		q.busy.Store(true)
		waits := f.start(client, f.spec("a>b"), "waits")
		dropped := f.start(client, f.spec("a>b"), "dropped")
		time.Sleep(time.Minute) // virtual
		if err := e.Running("dropped").Cancel("enough"); err != nil {
			t.Error(err)
		}
		if out := f.wait(dropped); out.Status != engine.StatusCanceled {
			t.Errorf("canceled while it waited: %+v", out)
		}
		if n := q.tries.Load(); n > 60 {
			t.Errorf("enqueued %d times in a minute", n)
		}
		if len(f.log()) != 0 {
			t.Errorf("ran %q", f.log())
		}
		q.busy.Store(false)
		if out := f.wait(waits); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want success", out)
		}
		if got := f.log(); len(got) != 2 {
			t.Errorf("ran %q, want a and b of the run that waited", got)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		text := log.String()
		if strings.Count(text, "wait until the queue has room") != 2 || strings.Contains(text, "level=ERROR") || strings.Count(text, "takes tasks again") != 1 {
			t.Errorf("the log says\n%s", text)
		}
	})
}
