package sim_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tally sums what plays had of each kind. It is safe for concurrent use.
type tally[K cmp.Ordered] struct {
	mu  sync.Mutex // guards all
	all map[K]int
}

func (t *tally[K]) add(some map[K]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[K]int{}
	}
	for k, n := range some {
		t.all[k] += n
	}
}

// String lists the kinds, the most frequent first.
func (t *tally[K]) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var words []string
	for _, k := range slices.SortedFunc(maps.Keys(t.all), func(a, b K) int { return cmp.Or(t.all[b]-t.all[a], cmp.Compare(a, b)) }) {
		words = append(words, fmt.Sprintf("%v %d", k, t.all[k]))
	}
	return strings.Join(words, ", ")
}
