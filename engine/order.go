package engine

import (
	"fmt"
	"slices"
)

// connect resolves the edges.
func (c *compiler) connect() {
	g := c.g
	g.edges = make([]edge, 0, len(g.spec.Edges))
	seen := make(map[[2]int32]bool, len(g.spec.Edges))
	for i, e := range g.spec.Edges {
		from, okFrom := c.endpoint(i, "from", e.From)
		to, okTo := c.endpoint(i, "to", e.To)
		if !okFrom || !okTo {
			continue
		}
		a, b := &g.vertices[from], &g.vertices[to]
		if a.parent != b.parent || a.member != b.member {
			c.fault(fmt.Sprintf("edges[%d]", i), "%s → %s crosses the border of a group; lead the edge to or from the group itself", e.From, e.To)
			continue
		}
		if seen[[2]int32{from, to}] {
			c.fault(fmt.Sprintf("edges[%d]", i), "%s → %s is declared twice", e.From, e.To)
			continue
		}
		seen[[2]int32{from, to}] = true
		var when *expression
		if e.When != "" {
			when = c.expression(fmt.Sprintf("edges[%d].when", i), e.When)
		}
		at := int32(len(g.edges))
		g.edges = append(g.edges, edge{from: from, to: to, when: when})
		a.out = append(a.out, at)
		b.in = append(b.in, at)
	}
}

func (c *compiler) endpoint(i int, end, id string) (int32, bool) {
	v, ok := c.g.index[id]
	if !ok {
		c.fault(fmt.Sprintf("edges[%d].%s", i, end), "no task or group %q", id)
	}
	return v, ok
}

// order finds the starts of every scope, and the edges that close cycles.
func (c *compiler) order() {
	g := c.g
	c.memberStarts()
	state := make([]uint8, len(g.vertices))
	for _, v := range g.starts {
		markBackEdges(g, v, state)
	}
	for i := range g.vertices {
		for _, starts := range g.vertices[i].starts {
			for _, v := range starts {
				markBackEdges(g, v, state)
			}
		}
	}
	for v := range g.vertices { // those that only a goto reaches
		markBackEdges(g, int32(v), state)
	}
}

func (c *compiler) rootStarts() {
	g := c.g
	for i, id := range g.spec.Start {
		v, ok := g.index[id]
		switch {
		case !ok:
			c.fault(fmt.Sprintf("start[%d]", i), "no task or group %q", id)
		case slices.Contains(g.starts, v):
			c.fault(fmt.Sprintf("start[%d]", i), "%q is named twice", id)
		case g.vertices[v].parent >= 0:
			c.fault(fmt.Sprintf("start[%d]", i), "%q is inside group %q; start at the group", id, g.vertices[g.vertices[v].parent].id)
		default:
			g.starts = append(g.starts, v)
		}
	}
	if len(g.spec.Start) > 0 {
		return
	}
	g.starts = c.roots(func(v *vertex) bool { return v.parent < 0 && !c.standsBy(v) })
	if len(g.starts) == 0 && len(c.errs) == 0 {
		c.fault("start", "every task has an incoming edge, or only stands in for another, so there is no beginning; name a start")
	}
}

func (c *compiler) memberStarts() {
	byMember := map[[2]int32][]int32{}
	for i := range c.g.vertices {
		v := &c.g.vertices[i]
		if v.parent >= 0 && len(v.in) == 0 {
			key := [2]int32{v.parent, v.member}
			byMember[key] = append(byMember[key], int32(i))
		}
	}
	for i := range c.g.vertices {
		for m := range c.g.vertices[i].starts {
			starts := byMember[[2]int32{int32(i), int32(m)}]
			if len(starts) == 0 {
				member := c.g.vertices[i].group.Members[m]
				if len(member.Nodes) == 0 {
					c.fault("groups."+c.g.vertices[i].id, "member %d is empty", m)
					continue
				}
				starts = []int32{c.g.index[member.Nodes[0]]} // a cycle begins where it was declared to
			}
			c.g.vertices[i].starts[m] = starts
		}
	}
}

func (c *compiler) roots(in func(*vertex) bool) []int32 {
	var starts []int32
	for i := range c.g.vertices {
		if v := &c.g.vertices[i]; in(v) && len(v.in) == 0 {
			starts = append(starts, int32(i))
		}
	}
	return starts
}

// Marks of the depth-first search.
const (
	unseen uint8 = iota
	open
	closed
)

// markBackEdges searches depth first from start: an edge to a vertex on the
// path being searched closes a cycle.
func markBackEdges(g *Graph, start int32, state []uint8) {
	if state[start] != unseen {
		return
	}
	type frame struct {
		v    int32
		next int
	}
	path := []frame{{v: start}}
	state[start] = open
	for len(path) > 0 {
		f := &path[len(path)-1]
		out := g.vertices[f.v].out
		if f.next == len(out) {
			state[f.v] = closed
			path = path[:len(path)-1]
			continue
		}
		e := &g.edges[out[f.next]]
		f.next++
		switch state[e.to] {
		case open:
			e.back = true
		case unseen:
			state[e.to] = open
			path = append(path, frame{v: e.to})
		}
	}
}

// ends finds the vertices whose results are the run's output.
func (c *compiler) ends() {
	g := c.g
	g.isEnd = map[int32]bool{}
	for i, id := range g.spec.End {
		switch v, ok := g.index[id]; {
		case !ok:
			c.fault(fmt.Sprintf("end[%d]", i), "no task or group %q", id)
		case slices.Contains(g.ends, v):
			c.fault(fmt.Sprintf("end[%d]", i), "%q is named twice", id)
		default:
			g.ends = append(g.ends, v)
		}
	}
	if len(g.spec.End) == 0 {
		g.ends = c.leaves()
	}
	for _, v := range g.ends {
		g.isEnd[v] = true
	}
}

// leaves are the vertices of the root scope that lead nowhere but back.
func (c *compiler) leaves() []int32 {
	var ends []int32
	for i := range c.g.vertices {
		v := &c.g.vertices[i]
		onward := slices.ContainsFunc(v.out, func(e int32) bool { return !c.g.edges[e].back })
		if v.parent < 0 && !onward && !c.standsBy(v) {
			ends = append(ends, int32(i))
		}
	}
	return ends
}
