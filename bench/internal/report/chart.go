package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is some panels one below the other, over one logarithmic axis.
type chart struct {
	title, note string
	unit        func(float64) string // of a tick
	panels      []panel
}

type panel struct {
	title string
	bars  []bar
}

// bar is one row: a point, how far it was apart over rounds, and a tail.
type bar struct {
	label          string
	ours           bool
	low, mid, high float64
	tail           float64 // p99; 0: none
	value          string
}

// Sizes in pixels.
const (
	chartWidth = 860
	labelWidth = 300
	valueWidth = 90
	rowHeight  = 20
	headHeight = 44
	gapHeight  = 26
)

// style follows the reader's scheme, with a ground of its own: the page around may not.
const style = `.p{fill:#fff}text{font:12px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600}.n{fill:#59636e;font-size:11px}` +
	`.g{stroke:#d1d9e0}.b{stroke:#59636e}.d{fill:#59636e}.o.b{stroke:#bc4c00}.o.d{fill:#bc4c00}text.o{fill:#bc4c00;font-weight:600}` +
	`@media(prefers-color-scheme:dark){.p{fill:#0d1117}text{fill:#e6edf3}.n{fill:#9198a1}.g{stroke:#30363d}.b{stroke:#9198a1}.d{fill:#9198a1}` +
	`.o.b{stroke:#f0883e}.o.d{fill:#f0883e}text.o{fill:#f0883e}}`

// axis maps values to pixels, by their logarithm.
type axis struct{ from, to float64 }

func (c chart) axis() axis {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range c.panels {
		for _, b := range p.bars {
			low, high = min(low, b.low), max(high, b.high, b.tail)
		}
	}
	return axis{math.Floor(math.Log10(low)), math.Ceil(math.Log10(high * 1.0001))}
}

func (a axis) x(v float64) float64 {
	return labelWidth + (math.Log10(v)-a.from)/(a.to-a.from)*(chartWidth-labelWidth-valueWidth)
}

// svg draws it.
func (c chart) svg() string {
	height := headHeight + 24
	for _, p := range c.panels {
		height += gapHeight + rowHeight*len(p.bars)
	}
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`, chartWidth, height, chartWidth, height)
	fmt.Fprintf(&out, "\n<title>%s</title>\n<style>%s</style>\n<rect class=\"p\" width=\"%d\" height=\"%d\"/>\n", html.EscapeString(c.title), style, chartWidth, height)
	text(&out, 8, 18, "h", "start", c.title)
	text(&out, 8, 36, "n", "start", c.note)
	a := c.axis()
	c.grid(&out, a, height)
	y := float64(headHeight)
	for _, p := range c.panels {
		y += gapHeight
		text(&out, 8, y-8, "h", "start", p.title)
		for _, b := range p.bars {
			b.draw(&out, a, y)
			y += rowHeight
		}
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// grid draws a line for each power of ten.
func (c chart) grid(out *strings.Builder, a axis, height int) {
	for e := a.from; e <= a.to; e++ {
		x := a.x(math.Pow(10, e))
		fmt.Fprintf(out, `<path class="g" d="M%.0f %dV%d"/>`, x, headHeight+4, height-20)
		text(out, x, float64(height-6), "n", "middle", c.unit(math.Pow(10, e)))
	}
	out.WriteString("\n")
}

func (b bar) draw(out *strings.Builder, a axis, y float64) {
	middle := y + rowHeight/2
	class := ""
	if b.ours {
		class = "o "
	}
	text(out, labelWidth-10, middle+4, class, "end", b.label)
	if b.tail > 0 {
		fmt.Fprintf(out, `<path class="%sb" d="M%.1f %.1fH%.1fm0 -4v8"/>`, class, a.x(b.mid), middle, a.x(b.tail))
	}
	// Where rounds agree there would be nothing to see of it: it's 3 pixels at least.
	low, high := a.x(b.low), max(a.x(b.high), a.x(b.low)+3)
	fmt.Fprintf(out, `<path class="%sb" stroke-width="6" stroke-opacity=".5" d="M%.1f %.1fH%.1f"/>`, class, low, middle, high)
	fmt.Fprintf(out, `<circle class="%sd" cx="%.1f" cy="%.1f" r="4"/>`, class, a.x(b.mid), middle)
	text(out, chartWidth-6, middle+4, class, "end", b.value)
	out.WriteString("\n")
}

func text(out *strings.Builder, x, y float64, class, anchor, s string) {
	if class != "" {
		class = fmt.Sprintf(` class="%s"`, strings.TrimSpace(class))
	}
	if anchor != "start" {
		class += fmt.Sprintf(` text-anchor="%s"`, anchor)
	}
	fmt.Fprintf(out, `<text x="%.0f" y="%.0f"%s>%s</text>`, x, y, class, html.EscapeString(s))
}
