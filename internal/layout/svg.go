package layout

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
)

//go:embed style.css
var style string

// Style is the style sheet that drawings need, for pages that hold them.
func Style() string { return style }

// SVG says how a drawing is written. The zero value is a drawing without states, for a
// page that has Style.
//
// Tasks are elements g.task with the state as a further class, and data-task; in them
// use.mark refers to #ID-STATE, the shape of the state. So a script may show another
// state by changing both, and the text of the title element. Edges are g.edge with their
// kind as a further class, data-from and data-to, groups are g.group with data-group.
type SVG struct {
	// States are those of tasks, by id; one that is not there is pending. nil: none has a
	// state.
	States map[string]State
	// Notes are told in tooltips beside the state, as "attempt 2", by id.
	Notes map[string]string
	// Href is where a task links to, "" is nowhere. nil: no task is a link.
	Href func(task string) string
	// ID is what ids in the drawing begin with, for pages that have several; "" is
	// "graph". Letters, digits and -.
	ID string
	// Style has the drawing carry its style sheet, to stand alone.
	Style bool
}

// WriteSVG writes the drawing. Whatever names and conditions hold is text in it.
func (d *Drawing) WriteSVG(w io.Writer, o SVG) error {
	if o.ID == "" {
		o.ID = "graph"
	}
	s := &svgWriter{Writer: bufio.NewWriter(w), d: d, o: o}
	s.head()
	for _, g := range d.Groups {
		s.group(g)
	}
	for _, e := range d.Edges {
		s.edge(e)
	}
	for _, n := range d.Nodes {
		s.node(n)
	}
	s.put("</svg>\n")
	if err := s.Flush(); err != nil {
		return fmt.Errorf("write the drawing of graph %q: %w", d.Name, err)
	}
	return nil
}

type svgWriter struct {
	*bufio.Writer

	d *Drawing
	o SVG
}

// put writes parts as they are.
func (s *svgWriter) put(parts ...string) {
	for _, p := range parts {
		_, _ = s.WriteString(p) // Flush tells
	}
}

func (s *svgWriter) head() {
	role := "img"
	if s.o.Href != nil {
		role = "group" // an image would hide its links
	}
	id := escape(s.o.ID)
	w, h := number(s.d.Width), number(s.d.Height)
	s.put(`<svg xmlns="http://www.w3.org/2000/svg" class="graflow-graph `, string(s.d.Direction), `" width="`, w, `" height="`, h,
		`" viewBox="0 0 `, w, " ", h, `" role="`, role, `" aria-labelledby="`, id, `-title `, id, `-desc">`, "\n")
	s.put(`<title id="`, id, `-title">`, escape("Graph of "+oneLine(s.d.Name)), "</title>\n")
	s.put(`<desc id="`, id, `-desc">`, escape(s.d.summary(s.o.States)), "</desc>\n")
	if s.o.Style {
		s.put("<style>\n", style, "</style>\n")
	}
	if s.o.States == nil {
		return
	}
	s.put("<defs>\n")
	for _, state := range States() {
		s.put(`<symbol id="`, id, "-", string(state), `" viewBox="0 0 12 12">`, marks[state], "</symbol>\n")
	}
	s.put("</defs>\n")
}

func (s *svgWriter) rect(class string, r Rect, radius float64) {
	s.put(`<rect class="`, class, `" x="`, number(r.X), `" y="`, number(r.Y), `" width="`, number(r.Width), `" height="`, number(r.Height), `" rx="`, number(radius), `"/>`)
}

func (s *svgWriter) text(class string, x, y, size float64, text string) {
	s.put(`<text class="`, class, `" x="`, number(x), `" y="`, number(y+size*0.36), `">`, escape(text), "</text>")
}

func (s *svgWriter) group(g Group) {
	s.put(`<g class="group" data-group="`, escape(g.ID), `"><title>`, escape("group "+g.ID), "</title>")
	s.rect("around", g.Rect, 8)
	s.text("label", g.X+groupPad, g.Y+groupHead/2, smallSize, g.Label)
	s.put("</g>\n")
}

func (s *svgWriter) edge(e Edge) {
	s.put(`<g class="edge `, string(e.Kind), `" data-from="`, escape(e.From), `" data-to="`, escape(e.To), `"><title>`, escape(e.words()), "</title>")
	s.put(`<path class="line" d="`, curve(e.Path), `"/><path class="head" d="`, e.head(), `"/>`)
	if e.Label != "" && e.LabelAt.Width > 0 {
		s.rect("condition", e.LabelAt, 3)
		s.text("label", e.LabelAt.X+labelPad, e.LabelAt.Y+e.LabelAt.Height/2, smallSize, e.Label)
	}
	s.put("</g>\n")
}

func (s *svgWriter) node(n Node) {
	class, words := "task", n.ID
	state := s.state(n.ID)
	if state != "" {
		class += " " + string(state)
		words += ": " + string(state)
	}
	if n.Standby {
		class += " standby"
	}
	for _, more := range []string{s.o.Notes[n.ID], n.Handler, n.Detail} {
		if more != "" {
			words += ", " + more
		}
	}
	s.put(`<g class="`, class, `" data-task="`, escape(n.ID), `"><title>`, escape(oneLine(words)), "</title>")
	link := ""
	if s.o.Href != nil {
		link = s.o.Href(n.ID)
	}
	if link != "" {
		s.put(`<a href="`, escape(safe(link)), `">`)
	}
	if n.Map {
		s.rect("behind", Rect{X: n.X + 3, Y: n.Y + 3, Width: n.Width, Height: n.Height}, 5)
	}
	s.rect("box", n.Rect, 5)
	middle, left := n.Y+n.Height/2, n.X+nodePad+2
	if state != "" {
		s.put(`<use class="mark" href="#`, escape(s.o.ID), "-", string(state), `" x="`, number(n.X+5), `" y="`, number(middle-5.5), `" width="11" height="11"/>`)
		left = n.X + markWidth
	}
	s.text("label", left, middle, labelSize, n.Label)
	s.text("handler", n.X+n.Width-nodePad, middle, smallSize, n.Mark)
	if link != "" {
		s.put("</a>")
	}
	s.put("</g>\n")
}

// state is a task's, "" if the drawing has none.
func (s *svgWriter) state(task string) State {
	if s.o.States == nil {
		return ""
	}
	return s.o.States[task].known()
}
