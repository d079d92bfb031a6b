package sim

import (
	"slices"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// home is where a task or group stands.
type home struct {
	group  string // "" is the root
	member int
}

type mEdge struct {
	from, to, when string
	back           bool
	state          string // "", pending, alive, dead
}

// nodes are all ids, in the order of declaration: tasks, then groups.
func (m *model) nodes() []string {
	var all []string
	for _, t := range m.spec.Tasks {
		all = append(all, t.ID)
	}
	for _, g := range m.spec.Groups {
		all = append(all, g.ID)
	}
	return all
}

func (m *model) standsBy(id string) bool {
	for _, e := range m.edges {
		if e.from == id || e.to == id {
			return false
		}
	}
	named := false
	for _, t := range m.spec.Tasks {
		named = named || t.Fallback == id || t.Rollback == id || slices.Contains(t.Tools, id)
	}
	return named && m.home[id].group == "" && !slices.Contains(m.spec.Start, id)
}

func (m *model) entered(id string) bool {
	return slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.to == id })
}

func (m *model) rootStarts() []string {
	if len(m.spec.Start) > 0 {
		return m.spec.Start
	}
	var starts []string
	for _, id := range m.nodes() {
		if m.home[id].group == "" && !m.entered(id) && !m.standsBy(id) {
			starts = append(starts, id)
		}
	}
	return starts
}

func (m *model) memberStarts(group string, k int) []string {
	var starts []string
	for _, id := range m.nodes() {
		if m.home[id] == (home{group, k}) && !m.entered(id) {
			starts = append(starts, id)
		}
	}
	if len(starts) == 0 {
		starts = m.groups[group].Members[k].Nodes[:1]
	}
	return starts
}

// findBackEdges walks depth first from the starts, then from all: an edge into
// the path that is being walked closes a cycle.
func (m *model) findBackEdges() {
	seen, path := map[string]bool{}, map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		if seen[id] {
			return
		}
		seen[id], path[id] = true, true
		for i := range m.edges {
			if e := &m.edges[i]; e.from == id {
				e.back = path[e.to]
				walk(e.to)
			}
		}
		path[id] = false
	}
	from := slices.Clone(m.starts)
	for _, g := range m.nodes() {
		if gr := m.groups[g]; gr != nil {
			for k := range gr.Members {
				from = append(from, m.memberStarts(g, k)...)
			}
		}
	}
	for _, id := range append(from, m.nodes()...) {
		walk(id)
	}
}

// maxCycles is a task's limit, or with nil a group's.
func (m *model) maxCycles(t *engine.Task) int {
	switch {
	case t != nil && t.MaxCycles != nil:
		return *t.MaxCycles
	case m.spec.Limits.MaxCycles != nil:
		return *m.spec.Limits.MaxCycles
	}
	return engine.DefaultMaxCycles
}

func (m *model) maxSteps() int {
	if n := m.top.spec.Limits.MaxSteps; n > 0 {
		return n
	}
	return engine.DefaultMaxSteps
}

func visitID(s *mScope, node string, visit int) string {
	if visit > 1 {
		return s.prefix + node + "#" + strconv.Itoa(visit)
	}
	return s.prefix + node
}
