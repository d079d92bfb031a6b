package layout_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/internal/layout"
)

// TestDagreCrossesLess is what dagre is there for.
func TestDagreCrossesLess(t *testing.T) {
	t.Parallel()
	sum := map[string]int{}
	for name, l := range layouts(t) {
		for seed := range uint64(8) {
			sum[name] += crossings(draw(t, l, pipeline(80, seed)))
		}
	}
	t.Logf("crossings: %v", sum)
	if sum["dagre"] == 0 || sum["dagre"] >= sum["graflow"] {
		t.Errorf("edges cross %d times with dagre, %d times without; want fewer", sum["dagre"], sum["graflow"])
	}
}

// crossings counts where edges cross, taking them for straight between their points.
func crossings(d *layout.Drawing) int {
	type segment struct {
		edge int
		a, b layout.Point
	}
	var all []segment
	for i, e := range d.Edges {
		for j := 3; j < len(e.Path); j += 3 {
			all = append(all, segment{i, e.Path[j-3], e.Path[j]})
		}
	}
	count := 0
	for i, s := range all {
		for _, r := range all[i+1:] {
			if s.edge != r.edge && side(s.a, s.b, r.a)*side(s.a, s.b, r.b) < 0 && side(r.a, r.b, s.a)*side(r.a, r.b, s.b) < 0 {
				count++
			}
		}
	}
	return count
}

// side is positive for a point on one side of a line, negative on the other.
func side(a, b, p layout.Point) float64 { return (b.X-a.X)*(p.Y-a.Y) - (b.Y-a.Y)*(p.X-a.X) }
