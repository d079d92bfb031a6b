package layout

import (
	"cmp"
	"slices"
)

// improve changes the order in ranks so that fewer links cross: it goes down and up the
// ranks, orders each by the middle of its neighbors in the one before, exchanges
// neighbors, and takes the best that it has seen. It tells how many still cross.
func (r *ranked) improve() int {
	s := &sweeper{ranked: r, position: make([]int, len(r.size)), weight: make([]float64, len(r.size))}
	for _, row := range r.rows {
		s.number(row)
	}
	best, rows := s.crossings(), r.copied()
	for round, idle := 0, 0; best > 0 && round < s.rounds() && idle < 4; round++ {
		if round%2 == 0 {
			for _, row := range r.rows {
				s.byMiddle(row, r.up, round%4 == 2)
			}
		} else {
			for _, row := range slices.Backward(r.rows) {
				s.byMiddle(row, r.down, round%4 == 3)
			}
		}
		s.exchange()
		idle++
		if now := s.crossings(); now < best {
			best, rows, idle = now, r.copied(), 0
		}
	}
	r.rows = rows
	return best
}

func (r *ranked) copied() [][]int {
	rows := make([][]int, len(r.rows))
	for i, row := range r.rows {
		rows[i] = slices.Clone(row)
	}
	return rows
}

// sweeper is what improving needs.
type sweeper struct {
	*ranked

	position []int // of each node and bend in its row
	weight   []float64
	tree     []int
}

// rounds are fewer for what is large.
func (s *sweeper) rounds() int {
	if len(s.size) > 10_000 {
		return 4
	}
	return 24
}

func (s *sweeper) number(row []int) {
	for i, n := range row {
		s.position[n] = i
	}
}

// byMiddle orders a row by the mean position of neighbors. Of equals the one that was
// behind comes first if swap.
func (s *sweeper) byMiddle(row []int, neighbors [][]int, swap bool) {
	for i, n := range row {
		s.weight[n] = float64(i)
		if len(neighbors[n]) == 0 {
			continue
		}
		sum := 0
		for _, m := range neighbors[n] {
			sum += s.position[m]
		}
		s.weight[n] = float64(sum) / float64(len(neighbors[n]))
	}
	if swap {
		slices.Reverse(row)
	}
	slices.SortStableFunc(row, func(a, b int) int { return cmp.Compare(s.weight[a], s.weight[b]) })
	s.number(row)
}

// exchange swaps neighbors in a row while that makes fewer links cross.
func (s *sweeper) exchange() {
	if len(s.size) > 10_000 {
		return
	}
	for again, round := true, 0; again && round < 8; round++ {
		again = false
		for _, row := range s.rows {
			for i := range len(row) - 1 {
				a, b := row[i], row[i+1]
				now := s.between(a, b, s.up) + s.between(a, b, s.down)
				if now == 0 || s.between(b, a, s.up)+s.between(b, a, s.down) >= now {
					continue
				}
				row[i], row[i+1] = b, a
				s.position[a], s.position[b] = i+1, i
				again = true
			}
		}
	}
}

// between counts crossings of the links of two neighbors, of which a stands before b.
func (s *sweeper) between(a, b int, neighbors [][]int) int {
	count := 0
	for _, m := range neighbors[a] {
		for _, n := range neighbors[b] {
			if s.position[m] > s.position[n] {
				count++
			}
		}
	}
	return count
}

// crossings counts those of all links: for each link, those before it that end behind
// it, by a binary indexed tree.
func (s *sweeper) crossings() int {
	count := 0
	var ends []int
	for i, row := range s.rows[:len(s.rows)-1] {
		next := len(s.rows[i+1])
		if len(s.tree) < next+1 {
			s.tree = make([]int, next+1)
		}
		clear(s.tree[:next+1])
		seen := 0
		for _, n := range row {
			ends = ends[:0]
			for _, m := range s.down[n] {
				ends = append(ends, s.position[m])
			}
			for _, end := range ends {
				before := 0
				for at := end + 1; at > 0; at -= at & -at {
					before += s.tree[at]
				}
				count += seen - before
			}
			for _, end := range ends {
				for at := end + 1; at <= next; at += at & -at {
					s.tree[at]++
				}
			}
			seen += len(ends)
		}
	}
	return count
}
