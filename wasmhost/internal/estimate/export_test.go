package estimate

import (
	"fmt"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// Explain tells which terms make up the cost of a function, and which is the
// greatest.
func Explain(m *wasmbin.Module, function uint32) (all, most string) {
	if int(function) < m.ImportedFunctions {
		return "", ""
	}
	g := newGraph(m)
	g.function(int(function) - m.ImportedFunctions)
	greatest := 0.0
	for t, n := range g.counts {
		milliseconds := n * nanoseconds[t] / 1e6
		if milliseconds >= 1 {
			all += fmt.Sprintf(" %s %.0f ms", termNames[t], milliseconds)
		}
		if milliseconds > greatest {
			greatest, most = milliseconds, termNames[t]
		}
	}
	return all, most
}

var termNames = [termCount]string{
	"walked", "moved", "targets", "forgotten", "known", "reloaded", "dominated", "merged",
	"demanded", "phis", "alive", "nested", "spilled",
}

// Graph is a function's flow graph.
type Graph struct {
	Edges      [][2]int32
	Dominators []int32   // by block
	Uses, Defs [][]int32 // locals
	Live       []int32   // number of locals
}

// Build builds the flow graph of a function.
func Build(m *wasmbin.Module, function uint32) Graph {
	g := newGraph(m)
	g.function(int(function) - m.ImportedFunctions)
	out := Graph{Live: g.live.count}
	for _, e := range g.edges {
		out.Edges = append(out.Edges, [2]int32{e.from, e.to})
	}
	for _, b := range g.blocks {
		out.Dominators = append(out.Dominators, b.idom)
		out.Uses = append(out.Uses, g.locals[b.uses.from:b.uses.to])
		out.Defs = append(out.Defs, g.locals[b.defs.from:b.defs.to])
	}
	return out
}
