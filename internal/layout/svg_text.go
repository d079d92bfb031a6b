package layout

import (
	"fmt"
	"strings"
)

// words tell an edge in a tooltip.
func (e Edge) words() string {
	switch {
	case e.Kind != EdgeFlow:
		return e.From + ": " + string(e.Kind) + " " + e.To
	case e.When != "":
		return oneLine(e.From + " to " + e.To + " when " + e.When)
	}
	return e.From + " to " + e.To
}

// summary tells what a drawing shows, in words.
func (d *Drawing) summary(states map[string]State) string {
	text := fmt.Sprintf("%d tasks, %d groups, %d edges", len(d.Nodes), len(d.Groups), len(d.Edges))
	if states != nil {
		text += ": " + d.counts(states)
	}
	if about := oneLine(d.Description); about != "" {
		text += ". " + about
	}
	return text
}

// counts tells how many tasks are in each state.
func (d *Drawing) counts(states map[string]State) string {
	counts := map[State]int{}
	for _, n := range d.Nodes {
		counts[states[n.ID].known()]++
	}
	var words []string
	for _, state := range States() {
		if counts[state] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[state], state))
		}
	}
	return strings.Join(words, ", ")
}

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// escape is text for XML, without what XML can't have.
func escape(text string) string {
	return escapes.Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
}

// safe is a link that stays on the page's own site or is HTTP: no script.
func safe(link string) string {
	scheme, _, found := strings.Cut(link, ":")
	if !found || strings.ContainsAny(scheme, "/?#") || scheme == "https" || scheme == "http" {
		return link
	}
	return "#"
}
