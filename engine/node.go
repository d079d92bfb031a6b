package engine

// Node is a piece of a graph in Go code: a [Task], a [Ref], or what [Seq] and
// [Par] make of them.
type Node interface {
	// addTo declares the node, and returns where edges into it and out of it
	// attach, and the ids of its outermost nodes.
	addTo(b *builder) fragment
}

// fragment is where edges attach to a node.
type fragment struct {
	entries, exits []string
	ids            []string
}

// Ref refers to a task or group by id.
type Ref string

func (r Ref) addTo(*builder) fragment {
	one := []string{string(r)}
	return fragment{entries: one, exits: one, ids: one}
}

// Seq chains nodes: each starts when the one before it has ended. In a chain of
// tasks without With, each one's input is the output of the one before it.
func Seq(nodes ...Node) Node { return sequence(nodes) }

type sequence []Node

// Par makes a group: its members run in parallel, and its successor runs once,
// after its barrier. A Par directly inside a Par is one group with it, unless
// it has a name or options.
func Par(nodes ...Node) *Parallel { return &Parallel{nodes: nodes} }

// Parallel is a group being declared.
type Parallel struct {
	nodes  []Node
	group  Group
	custom bool // has a name or options: is not merged into a surrounding Par
	id     string
}

// Named names the group.
func (p *Parallel) Named(id string) *Parallel {
	p.id, p.custom = id, true
	return p
}

// With sets the group's policy.
func (p *Parallel) With(policy Policy) *Parallel {
	p.group.Policy, p.custom = policy, true
	return p
}

// Max caps the members in flight.
func (p *Parallel) Max(n int) *Parallel {
	p.group.MaxConcurrency, p.custom = &n, true
	return p
}
