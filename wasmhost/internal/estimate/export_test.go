package estimate

import (
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// Explain tells which terms make up the cost of a function.
func Explain(m *wasmbin.Module, function uint32) string {
	if int(function) < m.ImportedFunctions {
		return ""
	}
	g := newGraph(m)
	g.function(int(function) - m.ImportedFunctions)
	out := ""
	for t, n := range g.counts {
		if milliseconds := n * nanoseconds[t] / 1e6; milliseconds >= 1 {
			out += fmt.Sprintf(" %s %.0f ms", termNames[t], milliseconds)
		}
	}
	return out
}

var termNames = [termCount]string{
	"walked", "moved", "targets", "forgotten", "known", "reloaded", "dominated", "merged",
	"demanded", "phis", "alive", "nested", "spilled",
}

// Edges are the edges of a function's flow graph by their ends, and the
// immediate dominators that were found.
func Edges(m *wasmbin.Module, function uint32) (edges [][2]int32, dominators []int32) {
	g := newGraph(m)
	g.function(int(function) - m.ImportedFunctions)
	for _, e := range g.edges {
		edges = append(edges, [2]int32{e.from, e.to})
	}
	for _, b := range g.blocks {
		dominators = append(dominators, b.idom)
	}
	return edges, dominators
}
