package layout

import (
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// plan is a graph as nested boxes, which have sizes and get places.
type plan struct {
	drawing *Drawing
	root    *scope
	boxes   map[string]*box // of tasks and groups, by id
	nodes   []*box          // in the order of drawing.Nodes
	groups  []*box          // in the order of drawing.Groups
	wires   []*wire         // in the order of drawing.Edges
}

// box is a task, a group or a label of an edge. Its place is first that in its part,
// in the end that in the drawing.
type box struct {
	Rect

	in      *scope // where it is
	inside  *scope // of a group: what is in it
	isLabel bool
	index   int // in its part
}

// scope is what stands side by side: what no group is around, or a group's members.
type scope struct {
	group *box   // nil: the root
	label string // of the group
	boxes []*box // in order of declaration
	wires []*wire
	parts []*part
	level int // the number of groups around
}

// wire is an edge between boxes of one scope. They are those of its nodes, or groups
// in which those are.
type wire struct {
	from, to *box // at which it ends
	label    *box // nil: none
	weight   int
	// via are from and to, and the groups in the scope, if those are not they.
	via [2]*box
	// What follows is made when the part is arranged.
	part  *part
	stops []int // indexes of its boxes in the part, against its direction if back
	links []int // of the part, between its stops
	back  bool
}

// newPlan makes the boxes of a graph.
func newPlan(spec engine.Spec) *plan {
	p := &plan{
		drawing: &Drawing{Name: spec.Name, Description: spec.Description},
		root:    &scope{}, boxes: map[string]*box{},
	}
	p.nest(spec)
	p.connect(spec)
	return p
}

// nest puts tasks and groups into the scopes where they are drawn.
func (p *plan) nest(spec engine.Spec) {
	at := newPlacement(spec)
	groups := map[string]engine.Group{}
	for _, g := range spec.Groups {
		groups[g.ID] = g
	}
	var scopeOf func(group string) *scope
	scopeOf = func(group string) *scope {
		if group == "" {
			return p.root
		}
		if b := p.boxes[group]; b != nil {
			return b.inside
		}
		around := at.group(group)
		outer := scopeOf(around)
		b := &box{in: outer}
		b.inside = &scope{group: b, level: outer.level + 1}
		p.boxes[group] = b
		outer.boxes = append(outer.boxes, b)
		p.groups = append(p.groups, b)
		drawn := groupOf(groups[group], around)
		b.inside.label = drawn.Label
		p.drawing.Groups = append(p.drawing.Groups, drawn)
		return b.inside
	}
	for _, t := range spec.Tasks {
		around := at.group(t.ID)
		s := scopeOf(around)
		node := nodeOf(t, around, at.standby[t.ID])
		b := &box{Rect: node.Rect, in: s}
		p.boxes[t.ID] = b
		s.boxes = append(s.boxes, b)
		p.nodes = append(p.nodes, b)
		p.drawing.Nodes = append(p.drawing.Nodes, node)
	}
}

// connect makes the wires.
func (p *plan) connect(spec engine.Spec) {
	for _, e := range spec.Edges {
		p.wire(Edge{From: e.From, To: e.To, Kind: EdgeFlow, When: e.When, Label: e.When}, 2)
	}
	for _, t := range spec.Tasks {
		if t.Fallback != "" {
			p.wire(Edge{From: t.ID, To: t.Fallback, Kind: EdgeFallback, Label: "fallback"}, 1)
		}
		if t.Rollback != "" {
			p.wire(Edge{From: t.ID, To: t.Rollback, Kind: EdgeRollback, Label: "rollback"}, 1)
		}
		for _, id := range t.Tools {
			p.wire(Edge{From: t.ID, To: id, Kind: EdgeTool, Label: "tool"}, 1)
		}
	}
}

func (p *plan) wire(e Edge, weight int) {
	from, to := p.boxes[e.From], p.boxes[e.To]
	if from == nil || to == nil {
		return // validation does not let it happen
	}
	w := &wire{from: from, to: to, weight: weight}
	s := common(from.in, to.in)
	w.via = [2]*box{within(from, s), within(to, s)}
	if e.Label != "" && w.via[0] != w.via[1] {
		text, width := fitted(e.Label, smallSize, maxCondition)
		e.Label = text
		w.label = &box{isLabel: true, Rect: Rect{Width: width + 2*labelPad, Height: smallSize + 2*labelPad}, in: s}
	}
	s.wires = append(s.wires, w)
	p.wires = append(p.wires, w)
	p.drawing.Edges = append(p.drawing.Edges, e)
}

// common is the innermost scope that both are in.
func common(a, b *scope) *scope {
	for a != b {
		if a.level >= b.level {
			a = a.group.in
		} else {
			b = b.group.in
		}
	}
	return a
}

// within is the box of a scope that is b, or around it.
func within(b *box, s *scope) *box {
	for b.in != s {
		b = b.in.group
	}
	return b
}

// placement tells in which group each task and group is drawn.
type placement struct {
	parents map[string]string
	standby map[string]bool
	users   map[string][]string // of those that stand by
	open    map[string]bool
}

func newPlacement(spec engine.Spec) *placement {
	p := &placement{parents: map[string]string{}, standby: map[string]bool{}, users: map[string][]string{}, open: map[string]bool{}}
	for _, g := range spec.Groups {
		for _, m := range g.Members {
			for _, id := range m.Nodes {
				p.parents[id] = g.ID
			}
		}
	}
	for _, t := range spec.Tasks {
		for _, id := range slices.Concat([]string{t.Fallback, t.Rollback}, t.Tools) {
			if id != "" {
				p.users[id] = append(p.users[id], t.ID)
				p.standby[id] = p.parents[id] == ""
			}
		}
	}
	for _, e := range spec.Edges {
		delete(p.standby, e.From)
		delete(p.standby, e.To)
	}
	for _, id := range spec.Start {
		delete(p.standby, id)
	}
	return p
}

// group is the group in whose box a node is drawn, "" is none. A task that stands by
// for others is drawn where they are.
func (p *placement) group(id string) string {
	if !p.standby[id] || p.open[id] {
		return p.parents[id]
	}
	p.open[id] = true
	defer delete(p.open, id)
	around := p.around(p.group(p.users[id][0]))
	for _, user := range p.users[id][1:] {
		other := p.around(p.group(user))
		around = slices.DeleteFunc(around, func(g string) bool { return !slices.Contains(other, g) })
	}
	return around[0]
}

// around are a group and those it is in, the innermost first, with "" as the last.
func (p *placement) around(group string) []string {
	all := []string{group}
	for group != "" {
		group = p.parents[group]
		all = append(all, group)
	}
	return all
}
