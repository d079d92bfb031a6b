package layout

import (
	"context"
	"slices"
)

// maxBends is how many bends a drawing has at most. Links of what would have more go
// straight.
const maxBends = 200_000

// simple arranges without dagre.
type simple struct{}

var _ arranger = simple{}

func (simple) name() string { return "graflow" }

func (simple) arrange(ctx context.Context, all []layers) ([]placing, error) {
	placings := make([]placing, len(all))
	for i, l := range all {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		units := 0
		for _, k := range l.links {
			units += l.ranks[k.to] - l.ranks[k.from] - 1
		}
		if units > maxBends {
			l.links = nil
		}
		r := newRanked(l)
		r.improve()
		r.upright()
		placings[i] = r.placing(r.places())
		if units > maxBends {
			placings[i].bends = nil
		}
	}
	return placings, nil
}

// places puts each rank, in its order, as near to its neighbors as can be.
func (r *ranked) places() []float64 {
	at := make([]float64, len(r.size))
	for _, row := range r.rows {
		r.settle(row, at, at)
		shift := (at[row[0]] + at[row[len(row)-1]]) / 2
		for _, n := range row {
			at[n] -= shift
		}
	}
	wish := make([]float64, len(r.size))
	to := func(row []int, neighbors [][]int) {
		for _, n := range row {
			wish[n] = at[n]
			if len(neighbors[n]) > 0 {
				wish[n] = mean(neighbors[n], at)
			}
		}
		r.settle(row, wish, at)
	}
	for range 4 {
		for _, row := range r.rows {
			to(row, r.up)
		}
		for _, row := range slices.Backward(r.rows) {
			to(row, r.down)
		}
	}
	return at
}

func mean(all []int, at []float64) float64 {
	sum := 0.0
	for _, n := range all {
		sum += at[n]
	}
	return sum / float64(len(all))
}

// settle gives the nodes of a row the places nearest to those wished, by least squares,
// at which none is too near to another: where wishes conflict, nodes form a block, whose
// place is the mean of what its nodes wish (the algorithm of pool adjacent violators).
func (r *ranked) settle(row []int, wish, at []float64) {
	type block struct {
		first int // in row
		n     int
		sum   float64
	}
	offset, blocks := make([]float64, len(row)), make([]block, 0, len(row))
	for i, n := range row {
		if i > 0 {
			offset[i] = offset[i-1] + r.gap(row[i-1], n)
		}
		blocks = append(blocks, block{i, 1, wish[n] - offset[i]})
		for k := len(blocks) - 1; k > 0 && blocks[k-1].sum*float64(blocks[k].n) > blocks[k].sum*float64(blocks[k-1].n); k-- {
			blocks[k-1].n += blocks[k].n
			blocks[k-1].sum += blocks[k].sum
			blocks = blocks[:k]
		}
	}
	for _, b := range blocks {
		for i := b.first; i < b.first+b.n; i++ {
			at[row[i]] = b.sum/float64(b.n) + offset[i]
		}
	}
}
