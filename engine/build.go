package engine

import (
	"reflect"
	"strconv"
)

// NewGraph builds a graph from nodes in Go code. A task that occurs in several
// nodes is one task if it is the same in all of them.
func NewGraph(name string, nodes ...Node) (*Graph, error) {
	s := Spec{Name: name}
	s.Connect(nodes...)
	return s.Build()
}

// Connect declares nodes in s: their tasks, groups and edges.
func (s *Spec) Connect(nodes ...Node) {
	b := newBuilder(s)
	for _, n := range nodes {
		n.addTo(b)
	}
}

// builder adds nodes to a spec in time linear in what is added.
type builder struct {
	spec   *Spec
	tasks  map[string]int // id → where it stands first
	groups map[string]bool
	edges  map[Edge]bool
}

func newBuilder(s *Spec) *builder {
	b := &builder{spec: s, tasks: map[string]int{}, groups: map[string]bool{}, edges: map[Edge]bool{}}
	for i, t := range s.Tasks {
		b.tasks[t.ID] = i
	}
	for _, g := range s.Groups {
		b.groups[g.ID] = true
	}
	for _, e := range s.Edges {
		b.edges[e] = true
	}
	return b
}

// addTo declares the task, once. One that differs from its namesake is added
// too, for Build to report.
func (t Task) addTo(b *builder) fragment {
	if i, ok := b.tasks[t.ID]; !ok {
		b.tasks[t.ID] = len(b.spec.Tasks)
		b.spec.Tasks = append(b.spec.Tasks, t)
	} else if !reflect.DeepEqual(b.spec.Tasks[i], t) {
		b.spec.Tasks = append(b.spec.Tasks, t)
	}
	return Ref(t.ID).addTo(b)
}

func (q sequence) addTo(b *builder) fragment {
	var whole fragment
	for i, n := range q {
		f := n.addTo(b)
		if i == 0 {
			whole.entries = f.entries
		}
		for _, from := range whole.exits {
			for _, to := range f.entries {
				b.addEdge(Edge{From: from, To: to})
			}
		}
		whole.exits = f.exits
		whole.ids = append(whole.ids, f.ids...)
	}
	return whole
}

func (b *builder) addEdge(e Edge) {
	if !b.edges[e] {
		b.edges[e] = true
		b.spec.Edges = append(b.spec.Edges, e)
	}
}

func (p *Parallel) addTo(b *builder) fragment {
	g := p.group
	g.ID = p.id
	if g.ID == "" {
		g.ID = b.freeGroupID()
	}
	// The place is taken before the members declare groups of their own, so
	// that ids count from the outside in.
	at := len(b.spec.Groups)
	b.spec.Groups = append(b.spec.Groups, g)
	b.groups[g.ID] = true
	for _, n := range p.members() {
		f := n.addTo(b)
		m := Member{Nodes: f.ids}
		if len(f.exits) > 0 {
			m.ID = f.exits[len(f.exits)-1]
		}
		g.Members = append(g.Members, m)
	}
	b.spec.Groups[at] = g
	return Ref(g.ID).addTo(b)
}

// members are the group's branches, those of plain groups directly inside it
// included.
func (p *Parallel) members() []Node {
	var all []Node
	for _, n := range p.nodes {
		if inner, ok := n.(*Parallel); ok && !inner.custom {
			all = append(all, inner.members()...)
			continue
		}
		all = append(all, n)
	}
	return all
}

func (b *builder) freeGroupID() string {
	for i := len(b.spec.Groups) + 1; ; i++ {
		id := "group-" + strconv.Itoa(i)
		if _, task := b.tasks[id]; !task && !b.groups[id] {
			return id
		}
	}
}
