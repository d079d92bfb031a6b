package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
)

// twoTalks is a run of two tasks: the first says "old" and waits, the second says "new".
type twoTalks struct {
	*fixture

	run  string
	path string        // of its stream
	goOn chan struct{} // closed to have it end
}

// newTwoTalks begins it, and returns once "old" can be read.
func newTwoTalks(t *testing.T) twoTalks {
	t.Helper()
	h, goOn := direct.New(), make(chan struct{})
	direct.Func(h, "first", func(c *direct.Context, _ any) (any, error) {
		c.Log("old")
		<-goOn
		return nil, nil
	})
	direct.Func(h, "second", func(c *direct.Context, _ any) (any, error) {
		c.Log("new")
		return nil, nil
	})
	f := serve(t, api.Config{Service: clustertest.Start(t, clustertest.Config{Direct: h}).Service})
	w := twoTalks{fixture: f, goOn: goOn}
	w.run = f.submit("name: talks\ntasks:\n  a: {direct: {func: first}}\n  b: {direct: {func: second}}\nflow: a >> b\n", nil)
	w.path = "/v1/runs/" + w.run + "/stream"
	f.streamTo(w.path, "", func(e event) bool { return lineOf(t, e) != "old" })
	return w
}

// lineOf is the line of the log that an event tells, else "".
func lineOf(tb testing.TB, e event) string {
	tb.Helper()
	var n engine.Notice
	if err := json.Unmarshal([]byte(e.data), &n); err != nil {
		tb.Fatal(err)
	}
	if n.Type != engine.NoticeTaskLog {
		return ""
	}
	return n.Message
}

// TestStreamFromNow cuts a stream of what comes off at its first event, or at its first
// notice, before any line: who goes on with the last id is told nothing of what was
// before, and all that came since.
func TestStreamFromNow(t *testing.T) {
	t.Parallel()
	for _, cutAt := range []string{"place", "notice"} {
		t.Run(cutAt, func(t *testing.T) {
			t.Parallel()
			w := newTwoTalks(t)
			var names []string
			last := ""
			w.streamTo(w.path+"?after=now", "", func(e event) bool {
				if names = append(names, e.name); len(names) == 1 {
					close(w.goOn)
				}
				last = e.id
				return e.name != cutAt
			})
			if names[0] != "place" || last == "" {
				t.Errorf("it begins with %q, and is at %q; want its place", names, last)
			}
			var lines []string
			w.streamTo(w.path, last, func(e event) bool {
				if line := lineOf(t, e); line != "" {
					lines = append(lines, line)
				}
				return true
			})
			if want := []string{"new"}; !slices.Equal(lines, want) {
				t.Errorf("after %s it tells %q, want %q", last, lines, want)
			}
		})
	}
}
