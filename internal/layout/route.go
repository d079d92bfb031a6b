package layout

import "math"

// A track is a path on its way, as seen in a direction.
type track struct {
	way  Direction
	path []Point
	at   Point // X along, Y across
}

func (t *track) begin(along, across float64) {
	t.at = Point{along, across}
	t.path = []Point{t.way.point(along, across)}
}

// to goes on to a place: it leaves and arrives in the direction, whatever lies across.
func (t *track) to(along, across float64) {
	if along == t.at.X && across == t.at.Y {
		return
	}
	half := (along - t.at.X) / 2
	t.path = append(t.path,
		t.way.point(t.at.X+half, t.at.Y), t.way.point(along-half, across), t.way.point(along, across))
	t.at = Point{along, across}
}

// span is a box's near and far border along the direction, and its middle across.
func span(r Rect, way Direction) (near, far, middle float64) {
	if way == Right {
		return r.X, r.X + r.Width, r.Y + r.Height/2
	}
	return r.Y, r.Y + r.Height, r.X + r.Width/2
}

// route draws an edge, once boxes are in their places.
func (w *wire) route(e *Edge, way Direction) {
	e.Back = w.back
	if w.stops == nil {
		e.Path = loop(w.from.Rect, way)
		return
	}
	t := &track{way: way}
	from, to := w.from, w.to
	if w.back {
		from, to = to, from
	}
	// What leads back leaves and arrives beside the middle, where others lead on.
	_, far, middle := span(from.Rect, way)
	t.begin(far, middle+w.aside(from, way))
	for i, stop := range w.stops[:len(w.stops)-1] {
		b := w.part.boxes[stop]
		near, far, middle := span(b.Rect, way)
		if b.isLabel {
			t.to(near, middle)
		}
		if b != from {
			t.to(far, middle) // through a label, or out of a group
		}
		w.pass(t, i, way)
	}
	near, _, middle := span(to.Rect, way)
	t.to(near, middle+w.aside(to, way))
	if w.back {
		reverse(t.path)
	}
	e.Path = t.path
	if w.label != nil {
		e.LabelAt = w.label.Rect
	}
}

// aside is how far from the middle of a box's side it leaves or arrives.
func (w *wire) aside(b *box, way Direction) float64 {
	if !w.back {
		return 0
	}
	return math.Min(b.across(way)/4, 16)
}

// pass goes from a stop to where the next one's rank begins, by the bends between.
func (w *wire) pass(t *track, stop int, way Direction) {
	p := w.part
	number := w.links[stop]
	k := p.links[number]
	origin := p.X
	shift := p.Y
	if way == Down {
		origin, shift = shift, origin
	}
	_, _, next := span(p.boxes[k.to].Rect, way)
	if stop == len(w.links)-1 {
		next += w.aside(p.boxes[k.to], way)
	}
	t.to(origin+p.ends[p.ranks[k.from]], t.at.Y)
	if p.placed.bends != nil {
		for i, across := range p.placed.bends[number] {
			r := p.ranks[k.from] + 1 + i
			t.to(origin+p.starts[r], shift+across)
			t.to(origin+p.ends[r], shift+across)
		}
	}
	t.to(origin+p.starts[p.ranks[k.to]], next)
}

// loop leaves a box and comes back to it, at the corner where the direction leads.
func loop(r Rect, way Direction) []Point {
	if way == Right {
		x, y := r.X+r.Width-14, r.Y
		return []Point{{x, y}, {x, y - 9}, {x + 10, y - 9}, {x + 10, y}}
	}
	x, y := r.X+r.Width, r.Y+r.Height-14
	return []Point{{x, y}, {x + 9, y}, {x + 9, y + 10}, {x, y + 10}}
}

func reverse(path []Point) {
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
}
