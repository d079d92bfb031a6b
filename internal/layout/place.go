package layout

import "math"

// along and across are a box's sizes, as seen in a direction.
func (r Rect) along(way Direction) float64 {
	if way == Right {
		return r.Width
	}
	return r.Height
}

func (r Rect) across(way Direction) float64 {
	if way == Right {
		return r.Height
	}
	return r.Width
}

// point is a place, given as seen in a direction.
func (way Direction) point(along, across float64) Point {
	if way == Right {
		return Point{along, across}
	}
	return Point{across, along}
}

func (p *part) layers(way Direction) layers {
	l := layers{sizes: make([]float64, len(p.boxes)), ranks: p.ranks, links: p.links}
	for i, b := range p.boxes {
		l.sizes[i] = b.across(way)
	}
	return l
}

// place gives the boxes of a part their places in it.
func (p *part) place(placed placing, way Direction) {
	p.placed = placed
	p.spread(way)
	low, high := math.Inf(1), math.Inf(-1)
	for i, b := range p.boxes {
		low = math.Min(low, placed.at[i]-b.across(way)/2)
		high = math.Max(high, placed.at[i]+b.across(way)/2)
	}
	for _, bends := range placed.bends {
		for _, at := range bends {
			low, high = math.Min(low, at), math.Max(high, at)
		}
	}
	low, high = math.Floor(low), math.Ceil(high)
	for i, b := range p.boxes {
		placed.at[i] = math.Round(placed.at[i] - low)
		along := p.starts[p.ranks[i]]
		if b.isLabel {
			along += (p.ends[p.ranks[i]] - along - b.along(way)) / 2
		}
		corner := way.point(along, placed.at[i]-b.across(way)/2)
		b.X, b.Y = corner.X, corner.Y
	}
	for _, bends := range placed.bends {
		for j := range bends {
			bends[j] = math.Round(bends[j] - low)
		}
	}
	size := way.point(p.ends[len(p.ends)-1], high-low)
	p.Width, p.Height = size.X, size.Y
}

// spread says where each rank begins and ends: it is as long as its longest box, and
// as far from the one before as the edges between need to turn.
func (p *part) spread(way Direction) {
	last := 0
	for _, r := range p.ranks {
		last = max(last, r)
	}
	long, busy := make([]float64, last+1), make([]int, last+1)
	for i, b := range p.boxes {
		long[p.ranks[i]] = math.Max(long[p.ranks[i]], math.Ceil(b.along(way)))
	}
	for _, k := range p.links {
		for r := p.ranks[k.from]; r < p.ranks[k.to]; r++ {
			busy[r]++
		}
	}
	p.starts, p.ends = make([]float64, last+1), make([]float64, last+1)
	at := 0.0
	for r := range long {
		p.starts[r], p.ends[r] = at, at+long[r]
		at += long[r] + 24 + math.Min(float64(busy[r])*2, 40)
	}
}
