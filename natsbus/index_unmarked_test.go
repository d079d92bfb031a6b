package natsbus_test

import (
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// TestRunsUnmarked lists runs that nobody drives, and so marks, yet.
func TestRunsUnmarked(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	c := newCluster(t, server.Connect)
	client := c.node("client", engine.PartNone, 1)
	for _, id := range []string{"first", "second"} {
		c.start(client, c.graph(fn("a", "id")), id)
	}
	list := func(q natsbus.RunsQuery) (runs []string) {
		for {
			page, next, err := client.bus.Runs(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page {
				if m.Status != engine.StatusRunning || m.Flow != "flow" || m.Started.IsZero() {
					t.Errorf("%+v lists %+v, want a run of flow that goes on", q, m)
				}
				runs = append(runs, m.Run)
			}
			if q.Before = next; next == "" {
				return runs
			}
		}
	}
	for _, test := range []struct {
		q    natsbus.RunsQuery
		want []string
	}{
		{natsbus.RunsQuery{Open: true}, []string{"second", "first"}},
		{natsbus.RunsQuery{Status: engine.StatusRunning, Flow: "flow"}, []string{"second", "first"}},
		{natsbus.RunsQuery{Status: engine.StatusRunning, Flow: "other"}, nil},
		{natsbus.RunsQuery{Status: engine.StatusPaused}, nil},
		{natsbus.RunsQuery{Open: true, Limit: 1}, []string{"second"}}, // the next page has those that are marked
	} {
		if got := list(test.q); !slices.Equal(got, test.want) {
			t.Errorf("%+v lists %v, want %v", test.q, got, test.want)
		}
	}
	c.node("owner", engine.PartBoth, 1)
	c.eventually("what is driven is listed no more once it has ended", func() bool { return len(list(natsbus.RunsQuery{Open: true})) == 0 })
	if page, _, err := client.bus.Runs(t.Context(), natsbus.RunsQuery{Status: engine.StatusSucceeded}); err != nil || len(page) != 2 {
		t.Errorf("of those that succeeded it lists %+v, %v", page, err)
	}
}
