package cluster_test

import (
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// TestUnderway wants a run to tell that an attempt runs, until it has ended.
func TestUnderway(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	h := direct.New()
	direct.Func(h, "wait", func(c *direct.Context, _ any) (any, error) {
		select {
		case <-free:
		case <-c.Done():
		}
		return nil, nil
	})
	s := clustertest.Start(t, clustertest.Config{Direct: h}).Service
	run := submit(t, s, ops.Submission{Target: ops.Target{Source: "name: w\ntasks: {a: {direct: {func: wait}}}\n"}}).Run
	_, err := s.Runs.Follow(t.Context(), run, ops.FollowAll, func(n engine.Notice, _ string) {
		if n.Type != engine.NoticeTaskStarted {
			return
		}
		story, err := s.Runs.Show(t.Context(), run)
		if err != nil {
			t.Error(err)
		}
		begun := func(n engine.Notice) bool { return n.Type == engine.NoticeTaskStarted && n.Activation == "a" }
		if i := slices.IndexFunc(story.Timeline, begun); i < 0 || story.Timeline[i].Worker != "node" || story.Timeline[i].Attempt != 1 {
			t.Errorf("got %+v, want it to tell that a runs on node", story.Timeline)
		}
		close(free)
	})
	if err != nil {
		t.Fatal(err)
	}
	story, err := s.Runs.Show(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	starts := 0
	for _, n := range story.Timeline {
		if n.Type == engine.NoticeTaskStarted {
			starts++
		}
	}
	if starts != 1 {
		t.Errorf("the start was told %d times once it had ended, want once", starts)
	}
}
