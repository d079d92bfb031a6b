package layout

import (
	"context"
	"slices"
)

// layers is a part as arrangers see it: nodes with their sizes across the direction,
// in ranks, and links, each to a higher rank.
type layers struct {
	sizes []float64
	ranks []int
	links []link
}

// placing says where nodes and bends are, across the direction.
type placing struct {
	at []float64 // of a node's middle
	// bends are, for each link, where it passes the ranks between those of its nodes.
	// nil: links go straight.
	bends [][]float64
}

// arranger finds an order of nodes in each rank, and places them without overlaps.
type arranger interface {
	arrange(ctx context.Context, all []layers) ([]placing, error)
	name() string
}

// Distances of boxes, in pixels.
const (
	nodeGap = 10.0 // between two of a rank
	bendGap = 8.0  // between those of which one is a bend
)

// ranked are nodes and bends by rank, in some order.
type ranked struct {
	layers

	rows  [][]int // of nodes, then bends, by rank
	size  []float64
	bends [][]int // for each link, the numbers of its bends
	up    [][]int // for each node and bend, those it is linked with a rank before
	down  [][]int
}

// newRanked numbers bends behind nodes, and has the rows in order of declaration.
func newRanked(l layers) *ranked {
	r := &ranked{layers: l, size: append([]float64(nil), l.sizes...), bends: make([][]int, len(l.links))}
	last := 0
	for _, rank := range l.ranks {
		last = max(last, rank)
	}
	r.rows = make([][]int, last+1)
	for i, rank := range l.ranks {
		r.rows[rank] = append(r.rows[rank], i)
	}
	r.up, r.down = make([][]int, len(l.sizes)), make([][]int, len(l.sizes))
	for i, k := range l.links {
		from := k.from
		for rank := l.ranks[k.from] + 1; rank < l.ranks[k.to]; rank++ {
			bend := len(r.size)
			r.size, r.up, r.down = append(r.size, 0), append(r.up, nil), append(r.down, nil)
			r.rows[rank] = append(r.rows[rank], bend)
			r.bends[i] = append(r.bends[i], bend)
			r.join(from, bend)
			from = bend
		}
		r.join(from, k.to)
	}
	return r
}

func (r *ranked) join(from, to int) {
	r.down[from] = append(r.down[from], to)
	r.up[to] = append(r.up[to], from)
}

// gap is how far the middles of two neighbors are apart at least.
func (r *ranked) gap(a, b int) float64 {
	space := nodeGap
	if nodes := len(r.sizes); a >= nodes || b >= nodes {
		space = bendGap
	}
	return (r.size[a]+r.size[b])/2 + space
}

// upright turns all rows round if more nodes stand before those declared before them than
// behind: as many links cross either way.
func (r *ranked) upright() {
	before := 0
	for _, row := range r.rows {
		for i, n := range row {
			if i == 0 || n >= len(r.sizes) || row[i-1] >= len(r.sizes) {
				continue
			}
			if n < row[i-1] {
				before++
			} else {
				before--
			}
		}
	}
	if before > 0 {
		for _, row := range r.rows {
			slices.Reverse(row)
		}
	}
}

// placing is where all are.
func (r *ranked) placing(at []float64) placing {
	p := placing{at: at[:len(r.sizes)], bends: make([][]float64, len(r.links))}
	for i, bends := range r.bends {
		for _, b := range bends {
			p.bends[i] = append(p.bends[i], at[b])
		}
	}
	return p
}
