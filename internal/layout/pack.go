package layout

import "math"

const (
	partGap = 14.0
	margin  = 12.0 // of a drawing
)

func (s *scope) width() float64  { return s.extent(func(p *part) float64 { return p.X + p.Width }) }
func (s *scope) height() float64 { return s.extent(func(p *part) float64 { return p.Y + p.Height }) }

func (s *scope) extent(of func(*part) float64) float64 {
	most := 0.0
	for _, p := range s.parts {
		most = math.Max(most, of(p))
	}
	return most
}

// pack places the parts of a scope side by side, in as many lines as make a good shape,
// and makes the box of its group as large as they need.
func (s *scope) pack(way Direction) {
	longest, total := 0.0, 0.0
	for _, p := range s.parts {
		longest = math.Max(longest, p.across(way))
		total += p.across(way) + partGap
	}
	best, limit := math.Inf(1), total
	for lines := 1; lines <= 24 && lines <= len(s.parts); lines++ {
		most := math.Max(longest, math.Ceil(total/float64(lines)))
		s.lines(way, most)
		// A few stay in one line, as what stands side by side is seen at once.
		cost := math.Max(s.width()/windowWidth, s.height()/windowHeight) + 0.02*float64(lines)
		if len(s.parts) <= 6 && lines > 1 {
			cost += 0.5
		}
		if cost < best {
			best, limit = cost, most
		}
	}
	s.lines(way, limit)
	if s.group == nil {
		return
	}
	s.group.Width = math.Max(s.width(), widthOf(s.label, smallSize)) + 2*groupPad
	s.group.Height = s.height() + groupHead + groupPad
}

// lines places the parts in lines that are at most this long across the direction.
func (s *scope) lines(way Direction, most float64) {
	along, across, thick := 0.0, 0.0, 0.0
	for _, p := range s.parts {
		if across > 0 && across+p.across(way) > most {
			along, across, thick = along+thick+partGap, 0, 0
		}
		corner := way.point(along, across)
		p.X, p.Y = corner.X, corner.Y
		across += p.across(way) + partGap
		thick = math.Max(thick, p.along(way))
	}
}

// finish turns places in parts into places in the drawing, and draws the edges.
func (d *directed) finish() {
	d.root.move(Point{margin, margin})
	out := d.plan.drawing
	out.Direction = d.way
	out.Width, out.Height = math.Ceil(d.root.width()+2*margin), math.Ceil(d.root.height()+2*margin)
	for i, b := range d.nodes {
		out.Nodes[i].Rect = b.Rect
	}
	for i, b := range d.groups {
		out.Groups[i].Rect = b.Rect
	}
	for i, w := range d.wires {
		w.route(&out.Edges[i], d.way)
	}
}

// move puts a scope's content at a place in the drawing.
func (s *scope) move(to Point) {
	for _, p := range s.parts {
		p.X, p.Y = p.X+to.X, p.Y+to.Y
		for _, b := range p.boxes {
			b.X, b.Y = b.X+p.X, b.Y+p.Y
			if b.inside != nil {
				b.inside.move(Point{b.X + groupPad, b.Y + groupHead})
			}
		}
	}
}
