// Command guest ranks the packages of an import graph by PageRank, a partition of
// the graph per task, in supersteps.
package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// Source is a graph to split.
type Source struct {
	File  string `json:"file" doc:"lines of a package and those that it imports"`
	Parts int    `json:"parts" doc:"how many partitions to make"`
}

var split = sdk.Task("split", "splits an import graph into partitions", func(c *sdk.Context, in Source) (Graph, error) {
	text, err := os.ReadFile(in.File)
	if err != nil {
		return Graph{}, sdk.Permanent(fmt.Errorf("read the graph: %w (is its directory granted?)", err))
	}
	g, err := parse(string(text), in.Parts)
	if err != nil {
		return Graph{}, sdk.Permanent(fmt.Errorf("read the graph %s: %w", in.File, err))
	}
	c.Log("split %d packages into %d parts", len(g.Packages), in.Parts)
	return g, nil
})

var rank = sdk.Task("rank", "ranks one partition: a superstep", func(c *sdk.Context, in State) (State, error) {
	g, err := sdk.ResultOf[Graph](c, "split")
	if err != nil {
		return State{}, err
	}
	next, halt, err := superstep(c.Channel(), g, in)
	if err != nil || halt {
		return next, err
	}
	return next, c.NextIteration(next)
})

// Ranking is every package with its rank, the highest first.
type Ranking struct {
	Supersteps int    `json:"supersteps"`
	Ranks      []Rank `json:"ranks"`
}

// Rank is a package's share of 1.
type Rank struct {
	Package string  `json:"package"`
	Rank    float64 `json:"rank"`
}

var collect = sdk.Task("collect", "ranks the packages of all partitions", func(c *sdk.Context, in map[string]State) (Ranking, error) {
	g, err := sdk.ResultOf[Graph](c, "split")
	if err != nil {
		return Ranking{}, err
	}
	ranking := Ranking{Ranks: []Rank{}}
	for _, part := range in {
		ranking.Supersteps = max(ranking.Supersteps, part.Supersteps)
		for i, node := range g.Parts[part.Part] {
			ranking.Ranks = append(ranking.Ranks, Rank{g.Packages[node.ID], part.Ranks[i]})
		}
	}
	slices.SortFunc(ranking.Ranks, func(a, b Rank) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), cmp.Compare(a.Package, b.Package))
	})
	return ranking, nil
})

var report = sdk.Task("report", "writes the ten highest ranks", func(_ *sdk.Context, in Ranking) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d packages, %d supersteps\n", len(in.Ranks), in.Supersteps)
	for i, r := range in.Ranks[:min(10, len(in.Ranks))] {
		fmt.Fprintf(&b, "%2d. %.4f %s\n", i+1, r.Rank, r.Package)
	}
	return b.String(), nil
})

//go:wasmexport split
func _split() int32 { return split.Run() }

//go:wasmexport rank
func _rank() int32 { return rank.Run() }

//go:wasmexport collect
func _collect() int32 { return collect.Run() }

//go:wasmexport report
func _report() int32 { return report.Run() }
