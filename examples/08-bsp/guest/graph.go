package main

import (
	"errors"
	"fmt"
	"strings"
)

// Graph is an import graph in partitions. Package i is in partition i modulo
// their number.
type Graph struct {
	Packages []string `json:"packages"` // by number
	Parts    [][]Node `json:"parts"`
}

// Node is a package and those that it imports, by number.
type Node struct {
	ID      int   `json:"id"`
	Imports []int `json:"imports"`
}

// owner is the partition that holds a package.
func (g Graph) owner(id int) int { return id % len(g.Parts) }

// parse reads lines of a package and those that it imports.
func parse(text string, parts int) (Graph, error) {
	if parts < 1 {
		return Graph{}, fmt.Errorf("%d parts, want 1 or more", parts)
	}
	var lines [][]string
	ids := map[string]int{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if _, twice := ids[words[0]]; twice {
			return Graph{}, fmt.Errorf("package %s is there twice", words[0])
		}
		ids[words[0]] = len(lines)
		lines = append(lines, words)
	}
	if len(lines) == 0 {
		return Graph{}, errors.New("it is empty")
	}
	g := Graph{Parts: make([][]Node, parts)}
	for id, words := range lines {
		node := Node{ID: id, Imports: []int{}}
		for _, imported := range words[1:] {
			to, ok := ids[imported]
			if !ok {
				return Graph{}, fmt.Errorf("package %s imports %s, which is not there", words[0], imported)
			}
			node.Imports = append(node.Imports, to)
		}
		g.Packages = append(g.Packages, words[0])
		g.Parts[g.owner(id)] = append(g.Parts[g.owner(id)], node)
	}
	return g, nil
}
