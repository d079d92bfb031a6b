package control_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/control"
)

// TestFollowWhileItGoesOn has many follow a run from somewhere in its midst: each
// is told all that is journaled, once.
func TestFollowWhileItGoesOn(t *testing.T) {
	t.Parallel()
	s := newStore()
	h, hub := direct.New(), &control.Hub{}
	const tasks, followers = 1000, 20
	nodes := make([]engine.Node, tasks)
	reached := make(chan struct{}, tasks)
	for i := range nodes {
		nodes[i] = direct.Func(h, fmt.Sprintf("t%d", i), func(*direct.Context, any) (any, error) {
			reached <- struct{}{}
			return nil, nil
		})
	}
	g, err := engine.NewGraph("chain", engine.Seq(nodes...))
	check(t, "graph", err)
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Backend: s.backend, Retain: true, Observe: hub.Observe})
	check(t, "engine", err)
	defer e.Close()
	d := control.NewDesk(control.Config{Engine: e, Hub: hub, Journal: s.journal, Runs: s.journal.list, Remove: s.journal.Forget})
	o, err := e.Start(t.Context(), g, engine.Start{ID: "r"})
	check(t, "start", err)
	d.Keep(o)
	var wait sync.WaitGroup
	for range followers {
		for range tasks / followers / 2 { // they begin in the first half
			<-reached
		}
		wait.Go(func() {
			told, starts := map[string]int{}, map[string]int{}
			outcome, err := d.Follow(t.Context(), "r", func(n engine.Notice) {
				if n.Type == engine.NoticeTaskStarted {
					starts[n.Activation]++
				}
				if n.Seq > 0 && n.Type == engine.NoticeTaskSucceeded {
					told[n.Activation]++
				}
			})
			if err != nil || outcome.Status != engine.StatusSucceeded {
				t.Errorf("got %+v, %v; want it succeeded", outcome, err)
			}
			for i := range tasks {
				if n := told[fmt.Sprintf("t%d", i)]; n != 1 {
					t.Errorf("the end of t%d was told %d times, want once", i, n)
					return
				}
				if n := starts[fmt.Sprintf("t%d", i)]; n != 1 {
					t.Errorf("the start of t%d was told %d times, want once", i, n)
					return
				}
			}
		})
	}
	wait.Wait()
}
