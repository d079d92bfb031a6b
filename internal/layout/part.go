package layout

// part is what edges connect in a scope: boxes in ranks.
type part struct {
	boxes  []*box // labels of edges last
	wires  []*wire
	ranks  []int // of boxes
	links  []link
	placed placing
	Rect   // its place in the scope

	starts, ends []float64 // of each rank along the direction, in the part
}

// link is a step of a wire, from a lower rank to a higher one.
type link struct{ from, to, weight int }

// split makes the parts of a scope, each in order of declaration.
func (s *scope) split() {
	leader := map[*box]*box{}
	var find func(b *box) *box
	find = func(b *box) *box {
		if l := leader[b]; l != nil && l != b {
			leader[b] = find(l)
			return leader[b]
		}
		return b
	}
	for _, w := range s.wires {
		leader[find(w.via[0])] = find(w.via[1])
	}
	parts := map[*box]*part{}
	for _, b := range s.boxes {
		l := find(b)
		if parts[l] == nil {
			parts[l] = &part{}
			s.parts = append(s.parts, parts[l])
		}
		b.index = len(parts[l].boxes)
		parts[l].boxes = append(parts[l].boxes, b)
	}
	for _, w := range s.wires {
		w.part = parts[find(w.via[0])]
		w.part.wires = append(w.part.wires, w)
	}
	for _, p := range s.parts {
		p.order()
	}
}

// order turns wires that close cycles round, and gives all boxes their ranks.
func (p *part) order() {
	back := p.backward()
	for i, w := range p.wires {
		from, to := w.via[0].index, w.via[1].index
		if from == to {
			continue
		}
		if w.back = back[i]; w.back {
			from, to = to, from
		}
		w.stops = []int{from, to}
		if w.label != nil {
			w.label.index = len(p.boxes)
			p.boxes = append(p.boxes, w.label)
			w.stops = []int{from, w.label.index, to}
		}
		for j := range w.stops[1:] {
			w.links = append(w.links, len(p.links))
			p.links = append(p.links, link{w.stops[j], w.stops[j+1], w.weight})
		}
	}
	p.ranks = ranks(len(p.boxes), p.links)
}

// backward tells which wires lead back to where a walk along them came from. It begins
// at boxes that nothing leads to.
func (p *part) backward() []bool {
	out, entered := make([][]int, len(p.boxes)), make([]bool, len(p.boxes))
	for i, w := range p.wires {
		if w.via[0] != w.via[1] {
			out[w.via[0].index] = append(out[w.via[0].index], i)
			entered[w.via[1].index] = true
		}
	}
	back := make([]bool, len(p.wires))
	const open, closed = 1, 2
	state := make([]int, len(p.boxes))
	var walk func(b int)
	walk = func(b int) {
		state[b] = open
		for _, i := range out[b] {
			switch next := p.wires[i].via[1].index; state[next] {
			case open:
				back[i] = true
			case closed:
			default:
				walk(next)
			}
		}
		state[b] = closed
	}
	for _, first := range []bool{true, false} {
		for b := range p.boxes {
			if state[b] == 0 && (!first || !entered[b]) {
				walk(b)
			}
		}
	}
	return back
}

// ranks puts each node behind all that lead to it, and as near to them, or to those
// that it leads to, as shortens more links. Links have no cycle.
func ranks(n int, links []link) []int {
	in, out := make([][]int, n), make([][]int, n)
	for _, l := range links {
		out[l.from] = append(out[l.from], l.to)
		in[l.to] = append(in[l.to], l.from)
	}
	rank, left, sorted := make([]int, n), make([]int, n), make([]int, 0, n)
	for i := range n {
		if left[i] = len(in[i]); left[i] == 0 {
			sorted = append(sorted, i)
		}
	}
	for i := 0; i < len(sorted); i++ {
		for _, to := range out[sorted[i]] {
			rank[to] = max(rank[to], rank[sorted[i]]+1)
			if left[to]--; left[to] == 0 {
				sorted = append(sorted, to)
			}
		}
	}
	for i := len(sorted) - 1; i >= 0; i-- {
		node := sorted[i]
		if len(out[node]) <= len(in[node]) {
			continue
		}
		nearest := rank[out[node][0]]
		for _, to := range out[node] {
			nearest = min(nearest, rank[to])
		}
		rank[node] = nearest - 1
	}
	return rank
}

// units is what arranging it costs: nodes, and bends of links that pass ranks.
func (p *part) units() int {
	sum := len(p.boxes)
	for _, l := range p.links {
		sum += p.ranks[l.to] - p.ranks[l.from] - 1
	}
	return sum
}

// isChain tells that no two boxes or bends share a rank: there is nothing to arrange.
func (p *part) isChain() bool {
	last := 0
	for _, r := range p.ranks {
		last = max(last, r)
	}
	return p.units() == last+1
}
