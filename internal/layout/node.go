package layout

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Sizes of boxes, in pixels.
const (
	maxLabel     = 190.0 // a task's label
	maxCondition = 150.0 // an edge's label
	maxGroup     = 260.0 // a group's label
	nodeHeight   = 26.0
	markWidth    = 20.0 // the mark of a state, at the left
	nodePad      = 7.0
	labelPad     = 3.0
	groupPad     = 10.0
	groupHead    = 18.0 // where a group's label is
)

// nodeOf is a task as a box without a place.
func nodeOf(t engine.Task, group string, standby bool) Node {
	n := Node{ID: t.ID, Handler: t.Handler, Group: group, Map: t.Map != "", Standby: standby}
	if n.Handler == "" {
		n.Handler = "direct"
	}
	var width float64
	n.Label, width = fitted(t.ID, labelSize, maxLabel)
	mark, detail := markOf(n.Handler, t.Spec)
	n.Mark, _ = fitted(mark, smallSize, 48)
	n.Detail = detail
	if n.Map {
		n.Detail = strings.TrimPrefix(n.Detail+", for each of "+t.Map, ", ")
	}
	n.Detail, _ = fitted(n.Detail, smallSize, 1200)
	n.Width = markWidth + width + nodePad + widthOf(n.Mark, smallSize) + nodePad
	n.Height = nodeHeight
	return n
}

// markOf is a handler in short, and what is known of what it runs.
func markOf(handler string, raw json.RawMessage) (mark, detail string) {
	var spec struct {
		Language, Module, Export, Image, Func, Name, Wasm string
	}
	_ = json.Unmarshal(raw, &spec) // of another form: nothing is known
	switch handler {
	case "script":
		short := map[string]string{"python": "py", "javascript": "js", "typescript": "ts"}
		if s := short[spec.Language]; s != "" {
			return s, ""
		}
		return "script", spec.Language
	case "wasm":
		return "wasm", join(spec.Module, "#", spec.Export)
	case "docker":
		return "docker", spec.Image
	case "builtin":
		return "built-in", spec.Func + spec.Name
	case "direct":
		return "go", ""
	}
	return handler, ""
}

func join(a, separator, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}

// groupOf is a group as a box without a place or size.
func groupOf(g engine.Group, around string) Group {
	text := g.ID
	if policy := policyText(g.Policy); policy != "" {
		text += " (" + policy + ")"
	}
	label, _ := fitted(text, smallSize, maxGroup)
	return Group{ID: g.ID, Label: label, Group: around}
}

// policyText is a group's policy in words, "" for strict.
func policyText(p engine.Policy) string {
	switch {
	case p.BestEffort:
		return "best effort"
	case p.AtLeast > 0:
		return fmt.Sprintf("at least %d", p.AtLeast)
	case len(p.Critical) > 0:
		return "critical: " + strings.Join(p.Critical, ", ")
	}
	return p.Custom
}
