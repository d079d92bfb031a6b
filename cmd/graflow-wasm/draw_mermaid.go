package main

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// drawMermaid draws a flowchart. Ids get a prefix: some, as "end", are words
// of Mermaid's own.
func drawMermaid(spec engine.Spec) string {
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	outlineOf(spec).mermaid(&b, 1)
	for _, e := range spec.Edges {
		arrow := "-->"
		if e.When != "" {
			arrow += `|"` + mermaidText(e.When) + `"|`
		}
		fmt.Fprintf(&b, "  n_%s %s n_%s\n", e.From, arrow, e.To)
	}
	for _, e := range recoveries(spec) {
		fmt.Fprintf(&b, "  n_%s -.->|%s| n_%s\n", e.From, e.When, e.To)
	}
	return b.String()
}

func (o *outline) mermaid(b *strings.Builder, depth int) {
	indent := strings.Repeat("  ", depth)
	for _, child := range o.children {
		if child.group == nil {
			fmt.Fprintf(b, "%sn_%s[\"%s\"]\n", indent, child.id, mermaidText(child.title()))
			continue
		}
		fmt.Fprintf(b, "%ssubgraph n_%s[\"%s\"]\n", indent, child.id, mermaidText(child.title()))
		child.mermaid(b, depth+1)
		fmt.Fprintf(b, "%send\n", indent)
	}
}

// mermaidEscapes are entities as Mermaid writes them; # starts one.
var mermaidEscapes = strings.NewReplacer(
	"#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\n", " ", "\r", " ",
)

func mermaidText(text string) string { return mermaidEscapes.Replace(text) }
