package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/console"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
)

// BenchmarkRunPage200 is the first page of a run of 200 tasks of a real cluster: its
// graph, its timeline, its data. "first" is with a graph that nobody has looked at
// yet, so that it is not laid out.
func BenchmarkRunPage200(b *testing.B) {
	s := newSite(b)
	run := s.submit("", chain(200), `{"n": 1}`)
	s.settle(run)
	b.Run("first", func(b *testing.B) { s.benchPage(b, "/runs/"+run, true) })
	b.Run("again", func(b *testing.B) { s.benchPage(b, "/runs/"+run, false) })
	b.Run("tasks", func(b *testing.B) { s.benchPage(b, "/runs/"+run+"/tasks", false) })
}

// BenchmarkRunsPage500 is a list of 500 runs.
func BenchmarkRunsPage500(b *testing.B) {
	s := newSite(b)
	last := ""
	for range 500 {
		last = s.submit("", "name: echo\ntasks: {a: {direct: {func: echo}}}\n", `null`)
	}
	s.settle(last)
	s.benchPage(b, "/runs?limit=500", false)
}

// benchPage measures a page as its handler makes it. fresh has each be of a console that
// has drawn nothing yet.
func (s *site) benchPage(b *testing.B, path string, fresh bool) {
	b.Helper()
	sandbox, err := script.New(script.Config{Host: s.cluster.Host})
	must(b, err)
	open := func() *console.Console {
		l, err := layout.New(layout.Config{Sandbox: sandbox})
		must(b, err)
		c, err := console.New(console.Config{Service: s.service, Authenticate: authenticate, Draw: l.Graph})
		must(b, err)
		return c
	}
	c := open()
	if !fresh {
		for !strings.Contains(page(b, c, path), "graflow-graph") && strings.Count(path, "/") == 2 && !strings.Contains(path, "?") {
			time.Sleep(10 * time.Millisecond) // it is being laid out
		}
	}
	var took []time.Duration
	size := 0
	for b.Loop() {
		began := time.Now()
		size = len(page(b, c, path))
		took = append(took, time.Since(began))
		if fresh {
			b.StopTimer()
			c.Close()
			c = open()
			b.StartTimer()
		}
	}
	c.Close()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
	b.ReportMetric(float64(size)/1024, "KiB")
}

func page(b *testing.B, c *console.Console, path string) string {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	r.AddCookie(&http.Cookie{Name: console.Cookie, Value: tokens[ops.RoleViewer]})
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		b.Fatal(fmt.Sprint(w.Code, " ", w.Body))
	}
	return w.Body.String()
}
