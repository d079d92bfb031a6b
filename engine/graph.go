package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Graph is a validated, immutable graph. It is safe for concurrent use and may
// be run any number of times at once.
type Graph struct {
	spec  Spec
	exprs map[string]*expression // by text

	vertices []vertex
	edges    []edge
	index    map[string]int32 // id → vertex
	starts   []int32          // of the root scope, in order
	ends     []int32
	isEnd    map[int32]bool
	flows    map[int32]*Graph // of the tasks that are sub-flows
}

// vertex is a task or a group, with its edges.
type vertex struct {
	id     string
	task   *Task  // or
	group  *Group // the one that is not nil
	parent int32  // the group whose member it is in; -1 at the root
	member int32  // which member
	in     []int32
	out    []int32
	// starts are, for a group, the first vertices of each member.
	starts [][]int32
}

// edge joins two vertices.
type edge struct {
	from, to int32
	back     bool // closes a cycle: never holds a join
	when     *expression
}

func (v *vertex) isGroup() bool { return v.group != nil }

// joinAny tells whether the first satisfied edge starts the vertex.
func (v *vertex) joinAny() bool { return v.task != nil && v.task.Join == JoinAny }

// Spec returns what the graph was built from. It must not be changed.
func (g *Graph) Spec() Spec { return g.spec }

// Name is the graph's name.
func (g *Graph) Name() string { return g.spec.Name }

// Task returns the task of that id, or nil. It must not be changed.
func (g *Graph) Task(id string) *Task {
	if i, ok := g.index[id]; ok {
		return g.vertices[i].task
	}
	return nil
}

func (g *Graph) vertexOf(id string) (int32, bool) {
	v, ok := g.index[id]
	return v, ok
}

// MarshalJSON writes the canonical form: two graphs are equal when it is.
func (g *Graph) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal(g.spec)
	if err != nil {
		return nil, fmt.Errorf("encode graph %q: %w", g.spec.Name, err)
	}
	return canonical(raw)
}

// Digest is "sha256:" and the hash of the canonical form.
func (g *Graph) Digest() string {
	raw, err := g.MarshalJSON()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// canonical sorts the keys of all objects in raw, embedded specs included,
// drops white space, and keeps numbers as they are written.
func canonical(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// maxCycles is the limit that applies to a task, or with nil to a group; 0 is none.
func (g *Graph) maxCycles(t *Task) int {
	switch {
	case t != nil && t.MaxCycles != nil:
		return *t.MaxCycles
	case g.spec.Limits.MaxCycles != nil:
		return *g.spec.Limits.MaxCycles
	}
	return DefaultMaxCycles
}

// supersteps is the limit that applies to a group; 0 is none.
func (g *Graph) supersteps(gr *Group) int {
	switch {
	case gr.Supersteps > 0:
		return gr.Supersteps
	case g.spec.Limits.MaxCycles != nil:
		return *g.spec.Limits.MaxCycles
	}
	return DefaultMaxCycles
}

func (g *Graph) maxSteps() int {
	if n := g.spec.Limits.MaxSteps; n > 0 {
		return n
	}
	return DefaultMaxSteps
}
