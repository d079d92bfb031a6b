package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// unheardQueue has leases whose first extensions are said to have come, and have not.
type unheardQueue struct {
	engine.Queue
	until time.Time
}

func (q unheardQueue) Receive(ctx context.Context) (engine.Lease, error) {
	l, err := q.Queue.Receive(ctx)
	return unheardLease{l, q.until}, err
}

type unheardLease struct {
	engine.Lease
	until time.Time
}

func (l unheardLease) Extend(ctx context.Context) error {
	if time.Now().Before(l.until) {
		return nil
	}
	return l.Lease.Extend(ctx)
}

// TestClusterTicketComesAgain: a ticket that comes again to the process which runs its
// attempt is that attempt's. It goes on, and nobody was lost with it.
func TestClusterTicketComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		b := f.shared.Backend()
		queue := b.Queue
		b.Queue = unheardQueue{queue, time.Now().Add(25 * time.Second)}
		e := f.joinOn("n", b, engine.PartBoth, 4, func(*direct.Context) (any, error) {
			time.Sleep(time.Minute) // virtual: several leases
			return "done", nil
		})
		o := f.start(e, f.spec("a"), "r")
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v, want succeeded", out)
		}
		if got := f.log(); len(got) != 1 {
			t.Errorf("ran %q, want once", got)
		}
		events, err := b.Journal.Read(t.Context(), "r", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events {
			if ev.Type == engine.EventBegun {
				t.Errorf("the attempt was begun anew: %+v", ev)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = e.Close()
		if l, err := queue.Receive(ctx); err == nil {
			t.Errorf("a ticket of %q is left", l.Delivery().Activation)
		}
	})
}
