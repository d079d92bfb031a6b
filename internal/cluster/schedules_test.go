package cluster_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestSchedules has a run begin once, at its time, and one when it is told to.
func TestSchedules(t *testing.T) {
	t.Parallel()
	s := clustertest.Start(t, clustertest.Config{}).Service
	const source = "name: clock\ntasks:\n  a: {builtin: now}\n"
	if _, err := s.Schedules.Put(t.Context(), ops.Schedule{Name: "soon", Target: ops.Target{Source: source}, At: time.Now().Add(time.Second), Overlap: ops.OverlapAllow, Missed: ops.MissedOnce}); err != nil {
		t.Fatal(err)
	}
	run, err := s.Schedules.Trigger(t.Context(), "soon")
	if err != nil {
		t.Fatal(err)
	}
	if o, _, _ := follow(t, s, run, ""); o.Status != engine.StatusSucceeded {
		t.Errorf("the run that was triggered is %s", o.Status)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		page, err := s.Runs.List(t.Context(), ops.RunsQuery{Flows: []string{"clock"}, Statuses: []engine.Status{engine.StatusSucceeded}})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Runs) == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d runs have ended, want two", len(page.Runs))
		}
	}
	if got, err := s.Schedules.Show(t.Context(), "soon"); err != nil || !got.Next.IsZero() {
		t.Errorf("afterwards it is %+v, %v", got, err)
	}
}
