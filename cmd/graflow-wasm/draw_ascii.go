package main

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// drawASCII draws layers: a node stands one layer below the deepest node that
// leads to it. Each line says where the node leads.
func drawASCII(spec engine.Spec) string {
	var b strings.Builder
	outlineOf(spec).ascii(&b, "", spec.Edges)
	for _, e := range recoveries(spec) {
		fmt.Fprintf(&b, "%s of %s: %s\n", e.When, e.From, e.To)
	}
	return b.String()
}

func (o *outline) ascii(b *strings.Builder, indent string, edges []engine.Edge) {
	for i, layer := range layers(o.children, edges) {
		if i > 0 && o.id == "" {
			b.WriteString(indent + "|\n")
		}
		for _, node := range layer {
			mark := "* "
			if node.group != nil {
				mark = "+ "
			}
			b.WriteString(indent + mark + node.title() + leadsTo(node.id, edges) + "\n")
			node.ascii(b, indent+"|   ", edges)
		}
	}
}

// leadsTo lists a node's edges.
func leadsTo(id string, edges []engine.Edge) string {
	var to []string
	for _, e := range edges {
		if e.From != id {
			continue
		}
		text := e.To
		if e.When != "" {
			text += fmt.Sprintf(" (when %s)", oneLine(e.When))
		}
		to = append(to, text)
	}
	if to == nil {
		return ""
	}
	return " --> " + strings.Join(to, ", ")
}

// layers sorts nodes of one scope by depth; an edge that closes a cycle, as
// seen in order of declaration, does not count.
func layers(nodes []*outline, edges []engine.Edge) [][]*outline {
	position := map[string]int{}
	for i, n := range nodes {
		position[n.id] = i
	}
	incoming := map[string][]string{}
	for _, e := range edges {
		_, from := position[e.From]
		_, to := position[e.To]
		if from && to {
			incoming[e.To] = append(incoming[e.To], e.From)
		}
	}
	depth, open := map[string]int{}, map[string]bool{}
	var depthOf func(id string) int
	depthOf = func(id string) int {
		if d, ok := depth[id]; ok {
			return d
		}
		open[id] = true
		d := 0
		for _, from := range incoming[id] {
			if !open[from] {
				d = max(d, depthOf(from)+1)
			}
		}
		open[id], depth[id] = false, d
		return d
	}
	var sorted [][]*outline
	for _, n := range nodes {
		d := depthOf(n.id)
		for len(sorted) <= d {
			sorted = append(sorted, nil)
		}
		sorted[d] = append(sorted[d], n)
	}
	return sorted
}
