package main

import (
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/spf13/cobra"
)

func newGraph(std streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "graph FILE",
		Short: "Draw the graph of a flow file",
		Long: `Graph draws the graph of a flow file: as text, as an image (svg), or for other
programs. json is its canonical form.`,
		Example: `  graflow-wasm graph hello.flow.yaml
  graflow-wasm graph hello.flow.yaml -o svg > hello.svg
  graflow-wasm graph hello.flow.yaml -o dot | dot -Tpng > hello.png`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "ascii", "svg", "mermaid", "dot", "json")
	cache := cmd.Flags().String("cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := loadFlow(args[0], false)
		if err != nil {
			return err
		}
		if format.value != "svg" {
			return draw(std.out, f.graph, format.value)
		}
		image, err := drawSVG(cmd.Context(), f.graph, *cache)
		if err != nil {
			return err
		}
		fmt.Fprint(std.out, image)
		return nil
	}
	return cmd
}

// draw writes a graph in a format of text.
func draw(w io.Writer, g *engine.Graph, format string) error {
	switch format {
	case "json":
		raw, err := g.MarshalJSON()
		if err != nil {
			return fmt.Errorf("encode graph %s: %w", g.Name(), err)
		}
		fmt.Fprintf(w, "%s\n", raw)
	case "mermaid":
		fmt.Fprint(w, drawMermaid(g.Spec()))
	case "dot":
		fmt.Fprint(w, drawDot(g.Spec()))
	default:
		fmt.Fprint(w, drawASCII(g.Spec()))
	}
	return nil
}

// outline is a graph as nested nodes, in order of declaration.
type outline struct {
	id       string // "" is the graph itself
	task     *engine.Task
	group    *engine.Group
	children []*outline
}

// outlineOf nests a spec's tasks in their groups.
func outlineOf(spec engine.Spec) *outline {
	nodes := map[string]*outline{}
	for i := range spec.Groups {
		nodes[spec.Groups[i].ID] = &outline{id: spec.Groups[i].ID, group: &spec.Groups[i]}
	}
	root, parents, placed := &outline{}, parentsOf(spec), map[string]bool{}
	var place func(id string)
	place = func(id string) {
		if placed[id] {
			return
		}
		placed[id] = true
		parent := root
		if group, ok := parents[id]; ok {
			place(group)
			parent = nodes[group]
		}
		parent.children = append(parent.children, nodes[id])
	}
	for i := range spec.Tasks {
		t := &spec.Tasks[i]
		nodes[t.ID] = &outline{id: t.ID, task: t}
		place(t.ID)
	}
	return root
}

// policyText is a group's policy in words, "" for strict.
func policyText(p engine.Policy) string {
	switch {
	case p.BestEffort:
		return "best_effort"
	case p.AtLeast > 0:
		return fmt.Sprintf("at_least %d", p.AtLeast)
	case len(p.Critical) > 0:
		return fmt.Sprintf("critical %v", p.Critical)
	case p.Custom != "":
		return p.Custom
	}
	return ""
}

// title is what a node is labeled with.
func (o *outline) title() string {
	text := o.id
	if o.task != nil && o.task.Map != "" {
		text += " [map " + o.task.Map + "]"
	}
	if o.group != nil && policyText(o.group.Policy) != "" {
		text += " (" + policyText(o.group.Policy) + ")"
	}
	return text
}

// recoveries are the tasks that step in for others, or that others call, with the
// option's name in place of a condition.
func recoveries(spec engine.Spec) []engine.Edge {
	var all []engine.Edge
	for _, t := range spec.Tasks {
		if t.Fallback != "" {
			all = append(all, engine.Edge{From: t.ID, To: t.Fallback, When: "fallback"})
		}
		if t.Rollback != "" {
			all = append(all, engine.Edge{From: t.ID, To: t.Rollback, When: "rollback"})
		}
		for _, id := range t.Tools {
			all = append(all, engine.Edge{From: t.ID, To: id, When: "tool"})
		}
	}
	return all
}

// firstTask is a task inside a node, to which an edge of a drawing can attach.
func (o *outline) firstTask() string {
	if o.task != nil || len(o.children) == 0 {
		return o.id
	}
	return o.children[0].firstTask()
}
