package main

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// drawDot draws for Graphviz. Groups are clusters; an edge of a group ends at
// the cluster's border.
func drawDot(spec engine.Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  compound=true\n  node [shape=box]\n", dotText(spec.Name))
	root := outlineOf(spec)
	root.dot(&b, 1)
	inside := map[string]string{}
	root.firstTasks(inside)
	for _, e := range spec.Edges {
		fmt.Fprintf(&b, "  %s -> %s%s\n", dotText(inside[e.From]), dotText(inside[e.To]), dotOptions(e, inside))
	}
	for _, e := range recoveries(spec) {
		fmt.Fprintf(&b, "  %s -> %s [label=%s, style=dashed]\n", dotText(e.From), dotText(e.To), e.When)
	}
	b.WriteString("}\n")
	return b.String()
}

func (o *outline) dot(b *strings.Builder, depth int) {
	indent := strings.Repeat("  ", depth)
	for _, child := range o.children {
		if child.group == nil {
			fmt.Fprintf(b, "%s%s [label=%s]\n", indent, dotText(child.id), dotText(child.title()))
			continue
		}
		fmt.Fprintf(b, "%ssubgraph %s {\n%s  label=%s\n", indent, dotText("cluster_"+child.id), indent, dotText(child.title()))
		child.dot(b, depth+1)
		fmt.Fprintf(b, "%s}\n", indent)
	}
}

// firstTasks maps every node to itself, or a group to a task inside it.
func (o *outline) firstTasks(into map[string]string) {
	for _, child := range o.children {
		into[child.id] = child.firstTask()
		child.firstTasks(into)
	}
}

func dotOptions(e engine.Edge, inside map[string]string) string {
	var options []string
	if e.When != "" {
		options = append(options, "label="+dotText(e.When))
	}
	if inside[e.From] != e.From {
		options = append(options, "ltail="+dotText("cluster_"+e.From))
	}
	if inside[e.To] != e.To {
		options = append(options, "lhead="+dotText("cluster_"+e.To))
	}
	if options == nil {
		return ""
	}
	return " [" + strings.Join(options, ", ") + "]"
}

var dotEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", "")

func dotText(text string) string { return `"` + dotEscapes.Replace(text) + `"` }
