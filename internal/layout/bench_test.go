package layout_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/graflow/graflow-wasm/internal/layout"
)

// BenchmarkGraph draws pipelines that were not drawn before.
func BenchmarkGraph(b *testing.B) {
	for _, by := range []string{"dagre", "graflow"} {
		for _, size := range []struct {
			name  string
			tasks int
		}{{"20", 20}, {"200", 200}, {"1000", 1000}} {
			b.Run(by+"/"+size.name, func(b *testing.B) {
				config := layout.Config{Logger: slog.New(slog.DiscardHandler)}
				if by == "dagre" {
					config.Sandbox = sandbox(b)
				}
				g := build(b, pipeline(size.tasks, 1))
				for b.Loop() {
					l := newLayout(b, config)
					if _, err := l.Graph(b.Context(), g); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkWriteSVG writes a drawing of 200 tasks with states.
func BenchmarkWriteSVG(b *testing.B) {
	d := draw(b, newLayout(b, layout.Config{}), pipeline(200, 1))
	states := map[string]layout.State{d.Nodes[0].ID: layout.Succeeded}
	for b.Loop() {
		if err := d.WriteSVG(io.Discard, layout.SVG{States: states, Style: true}); err != nil {
			b.Fatal(err)
		}
	}
}
