package sim

import (
	"encoding/json"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// joined is what the alive edges bring.
func (m *model) joined(s *mScope, node string) json.RawMessage {
	var from []string
	for _, e := range m.edges {
		if e.to == node && e.state == "alive" {
			from = append(from, e.from)
		}
	}
	if len(from) == 1 {
		return s.results[from[0]].value
	}
	all := map[string]json.RawMessage{}
	for _, id := range from {
		if r, ok := s.results[id]; ok && r.err == nil {
			all[id] = r.value
		}
	}
	return json.RawMessage(encode(all))
}

func (m *model) hasSuccessors(node string) bool {
	return slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.from == node })
}

// aliveEdges are the verdicts on a node's outgoing edges.
func (m *model) aliveEdges(node string, value json.RawMessage) []bool {
	var alive []bool
	for _, e := range m.edges {
		if e.from == node {
			alive = append(alive, holds(e.when, value))
		}
	}
	return alive
}

// release resolves a node's edges once nothing of it is still to come.
func (m *model) release(s *mScope, node string, alive []bool, up *mHold) {
	if node != "" && !m.expect[node] {
		k := 0
		for i := range m.edges {
			if m.edges[i].from == node {
				m.resolve(s, i, alive[k])
				k++
			}
		}
	}
	m.letGo(up)
}

func (m *model) letGo(h *mHold) {
	if h == nil {
		return
	}
	if h.open--; h.open == 0 {
		m.release(h.scope, h.node, h.alive, h.up)
	}
}

func (m *model) killSuccessors(s *mScope, node string) {
	for i := range m.edges {
		if m.edges[i].from == node {
			m.resolve(s, i, false)
		}
	}
}

// jump activates a node from outside its edges.
func (m *model) jump(s *mScope, a mArrival) {
	here := home{}
	if s.group != nil {
		here = home{s.group.node, s.member}
	}
	switch {
	case m.home[a.node] == here:
		m.exposeAll([]string{a.node})
		m.activate(s, a)
	case s.group != nil:
		s.group.jumps = append(s.group.jumps, a)
	default:
		m.failScope(s, &engine.TaskError{Kind: engine.KindInvalidInput, Task: a.node})
	}
}

// exposeAll puts all that follows the nodes in play: it will be started again,
// or skipped.
func (m *model) exposeAll(nodes []string) {
	for _, id := range nodes {
		for i := range m.edges {
			e := &m.edges[i]
			if e.from != id || e.back || e.state == "pending" {
				continue
			}
			e.state = "pending"
			if !m.expect[e.to] {
				m.expect[e.to], m.fired[e.to] = true, false
				m.exposeAll([]string{e.to})
			}
		}
	}
}

// resolve settles one edge, and starts or skips where it leads.
func (m *model) resolve(s *mScope, i int, alive bool) {
	e := &m.edges[i]
	if e.back {
		if alive {
			m.exposeAll([]string{e.to})
			m.activate(s, mArrival{node: e.to, input: s.results[e.from].value, given: true, jump: true})
		}
		return
	}
	if !alive && e.state != "pending" {
		return
	}
	e.state = map[bool]string{true: "alive", false: "dead"}[alive]
	m.decide(s, e.to)
}

// decide starts or skips a node if its edges say so, and then those that it
// leads to: breadth first.
func (m *model) decide(s *mScope, node string) {
	for work := []string{node}; len(work) > 0; work = work[1:] {
		work = append(work, m.decideOne(s, work[0])...)
	}
}

// decideOne returns the nodes that a skipped one leads to.
func (m *model) decideOne(s *mScope, node string) (next []string) {
	alive := slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.to == node && !e.back && e.state == "alive" })
	pending := m.openEdges(node)
	t := m.tasks[node]
	first := t != nil && t.Join == engine.JoinAny && alive
	switch {
	case m.fired[node]:
		m.fired[node] = pending // the rest of the round counts no more
	case pending && !first:
	case alive:
		m.expect[node], m.fired[node] = false, first && pending
		m.activate(s, mArrival{node: node})
	case m.expect[node]:
		m.expect[node] = false
		for i := range m.edges {
			if e := &m.edges[i]; e.from == node && e.state == "pending" {
				e.state = "dead"
				if !m.openEdges(e.to) { // else another one will decide it
					next = append(next, e.to)
				}
			}
		}
	}
	return next
}

func (m *model) openEdges(node string) bool {
	return slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.to == node && !e.back && e.state == "pending" })
}
