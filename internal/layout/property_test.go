package layout_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
	"pgregory.net/rapid"
)

// anyGraph draws the spec of a graph: groups in groups, chains, cycles, fallbacks, tools.
func anyGraph(t *rapid.T) engine.Spec {
	s := engine.Spec{Name: "any"}
	ids := 0
	var scope func(depth int, atRoot bool) []string
	scope = func(depth int, atRoot bool) []string {
		var nodes []string
		for range rapid.IntRange(1, 7).Draw(t, "nodes") {
			ids++
			id := fmt.Sprintf("n%d%s", ids, rapid.SampledFrom([]string{"", "-and-a-longer-name", "_"}).Draw(t, "name"))
			nodes = append(nodes, id)
			if depth > 0 && rapid.IntRange(0, 3).Draw(t, "group") == 0 {
				g := engine.Group{ID: id}
				for range rapid.IntRange(1, 4).Draw(t, "members") {
					inner := scope(depth-1, false)
					g.Members = append(g.Members, engine.Member{ID: inner[len(inner)-1], Nodes: inner})
				}
				s.Groups = append(s.Groups, g)
				continue
			}
			s.Tasks = append(s.Tasks, engine.Task{ID: id, Handler: rapid.SampledFrom([]string{"", "wasm", "docker"}).Draw(t, "handler")})
		}
		if !atRoot { // a member is a chain, which may have a way back
			for i := range nodes[1:] {
				s.Edges = append(s.Edges, engine.Edge{From: nodes[i], To: nodes[i+1]})
			}
			return nodes
		}
		for i := range nodes {
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
					s.Edges = append(s.Edges, engine.Edge{From: nodes[j], To: nodes[i], When: rapid.SampledFrom([]string{"", "", "result.ok"}).Draw(t, "when")})
				}
				if rapid.IntRange(0, 9).Draw(t, "back") == 0 {
					s.Edges = append(s.Edges, engine.Edge{From: nodes[i], To: nodes[j], When: "result.again"})
				}
			}
		}
		return nodes
	}
	s.Start = scope(3, true)[:1]
	for range rapid.IntRange(0, 3).Draw(t, "standby") {
		ids++
		user := &s.Tasks[rapid.IntRange(0, len(s.Tasks)-1).Draw(t, "user")]
		id := fmt.Sprintf("s%d", ids)
		switch rapid.IntRange(0, 2).Draw(t, "as") {
		case 0:
			user.Fallback = id
		case 1:
			user.Rollback = id
		default:
			user.Tools = append(user.Tools, id, s.Tasks[0].ID)
			user.Tools = slices.DeleteFunc(user.Tools, func(tool string) bool { return tool == user.ID })
			slices.Sort(user.Tools)
			user.Tools = slices.Compact(user.Tools)
		}
		s.Tasks = append(s.Tasks, engine.Task{ID: id})
	}
	return s
}

// TestDrawingsKeepTheRules draws random graphs, with and without dagre.
func TestDrawingsKeepTheRules(t *testing.T) {
	t.Parallel()
	for name, l := range layouts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built := 0
			rapid.Check(t, func(t *rapid.T) {
				s := anyGraph(t)
				g, err := s.Build()
				if err != nil {
					t.Skip(err)
				}
				built++
				d, err := l.Graph(t.Context(), g)
				if err != nil {
					t.Fatal(err)
				}
				for _, fault := range faults(d, s) {
					t.Error(fault)
				}
			})
			if built < 50 {
				t.Errorf("%d graphs were drawn, want 50 at least", built)
			}
		})
	}
}

func TestLargeDrawingsKeepTheRules(t *testing.T) {
	t.Parallel()
	for name, l := range layouts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range []engine.Spec{pipeline(200, 1), fan(100), everything()} {
				for _, fault := range faults(draw(t, l, s), s) {
					t.Errorf("%s: %s", s.Name, fault)
				}
			}
		})
	}
}

// faults are what is wrong with a drawing.
func faults(d *layout.Drawing, s engine.Spec) []string {
	var all []string
	fault := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	boxes, around := map[string]layout.Rect{}, map[string]string{}
	for _, n := range d.Nodes {
		boxes[n.ID], around[n.ID] = n.Rect, n.Group
	}
	for _, g := range d.Groups {
		boxes[g.ID], around[g.ID] = g.Rect, g.Group
	}
	if len(d.Nodes) != len(s.Tasks) || len(d.Groups) != len(s.Groups) || len(boxes) != len(s.Tasks)+len(s.Groups) {
		fault("%d nodes and %d groups, want %d and %d", len(d.Nodes), len(d.Groups), len(s.Tasks), len(s.Groups))
	}
	for _, g := range s.Groups {
		for _, m := range g.Members {
			for _, id := range m.Nodes {
				if around[id] != g.ID {
					fault("%s is in %q, want group %q", id, around[id], g.ID)
				}
			}
		}
	}
	page := layout.Rect{Width: d.Width, Height: d.Height}
	for id, box := range boxes {
		if g := around[id]; g != "" && !holds(boxes[g], box) {
			fault("%s at %v is not inside of its group %s at %v", id, box, g, boxes[g])
		}
		if !holds(page, box) {
			fault("%s at %v is not on the page %v", id, box, page)
		}
	}
	for i, n := range d.Nodes {
		for _, m := range d.Nodes[i+1:] {
			if overlap(n.Rect, m.Rect) {
				fault("%s at %v overlaps %s at %v", n.ID, n.Rect, m.ID, m.Rect)
			}
		}
		for _, g := range d.Groups {
			if overlap(n.Rect, g.Rect) && !within(around, n.ID, g.ID) {
				fault("%s at %v is in the box of group %s at %v", n.ID, n.Rect, g.ID, g.Rect)
			}
		}
	}
	want := len(s.Edges)
	for _, t := range s.Tasks {
		want += len(t.Tools)
		if t.Fallback != "" {
			want++
		}
		if t.Rollback != "" {
			want++
		}
	}
	if len(d.Edges) != want {
		fault("%d edges, want %d", len(d.Edges), want)
	}
	for _, e := range d.Edges {
		name := e.From + " to " + e.To
		if len(e.Path)%3 != 1 || len(e.Path) < 4 {
			fault("%s: a path of %d points", name, len(e.Path))
			continue
		}
		if !onBorder(boxes[e.From], e.Path[0]) || !onBorder(boxes[e.To], e.Path[len(e.Path)-1]) {
			fault("%s: from %v to %v, want from the border of %v to that of %v", name, e.Path[0], e.Path[len(e.Path)-1], boxes[e.From], boxes[e.To])
		}
		for _, p := range e.Path {
			if math.IsNaN(p.X+p.Y) || !holds(page, layout.Rect{X: p.X, Y: p.Y}) {
				fault("%s: %v is not on the page %v", name, p, page)
			}
		}
		if e.Label == "" {
			continue
		}
		for _, n := range d.Nodes {
			if overlap(e.LabelAt, n.Rect) {
				fault("%s: the label at %v overlaps %s at %v", name, e.LabelAt, n.ID, n.Rect)
			}
		}
	}
	return all
}

func within(around map[string]string, id, group string) bool {
	for id = around[id]; id != ""; id = around[id] {
		if id == group {
			return true
		}
	}
	return false
}

const near = 0.6 // pixels

func holds(outer, inner layout.Rect) bool {
	return inner.X >= outer.X-near && inner.Y >= outer.Y-near &&
		inner.X+inner.Width <= outer.X+outer.Width+near && inner.Y+inner.Height <= outer.Y+outer.Height+near
}

func overlap(a, b layout.Rect) bool {
	return a.X+a.Width > b.X+near && b.X+b.Width > a.X+near && a.Y+a.Height > b.Y+near && b.Y+b.Height > a.Y+near
}

func onBorder(r layout.Rect, p layout.Point) bool {
	if !holds(r, layout.Rect{X: p.X, Y: p.Y}) {
		return false
	}
	return math.Abs(p.X-r.X) < near || math.Abs(p.X-r.X-r.Width) < near || math.Abs(p.Y-r.Y) < near || math.Abs(p.Y-r.Y-r.Height) < near
}
