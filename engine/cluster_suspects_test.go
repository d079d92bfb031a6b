package engine_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestClusterSuspects: of attempts that were lost with two workers together, a third
// begins one at a time; so do others, which end them.
func TestClusterSuspects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t)
		owner := f.join("owner", engine.PartOwner, nil)
		o := f.start(owner, f.spec("a, b, c"), "r")
		for i, want := range []int{3, 3, 1} {
			node := fmt.Sprint("lost-", i)
			f.lostWith(node, 3)
			time.Sleep(4 * time.Second) // virtual
			if got := f.count(node + " "); got != want {
				t.Errorf("%s began %d attempts, want %d: %q", node, got, want, f.log())
			}
			time.Sleep(7 * time.Second) // virtual: the lease runs out
		}
		var now, most atomic.Int32
		f.joinOn("sound", f.shared.Backend(), engine.PartWorker, 4, func(*direct.Context) (any, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second) // virtual
			return nil, nil
		})
		if out := f.wait(o); out.Status != engine.StatusSucceeded {
			t.Errorf("outcome %+v (%v), want succeeded", out, out.Error)
		}
		if got := f.count("sound "); got != 3 || most.Load() != 1 {
			t.Errorf("%d attempts, %d at a time, want 3, one by one", got, most.Load())
		}
		if got := f.shared.Buried(); len(got) != 0 {
			t.Errorf("dead letters %+v, want none", got)
		}
	})
}
