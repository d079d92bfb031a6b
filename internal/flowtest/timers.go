package flowtest

import (
	"container/heap"
	"time"
)

// timer is something that is due. Those due at the same time come in the order in
// which they were started.
type timer struct {
	due    time.Time
	number int
	index  int // in the heap; -1: it is not there any more
	fire   func()
	wakes  bool // fire only wakes somebody, and is called with the clock locked
}

type timerHeap []*timer

var _ heap.Interface = (*timerHeap)(nil)

// Len implements heap.Interface.
func (h timerHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h timerHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].number < h[j].number
	}
	return h[i].due.Before(h[j].due)
}

// Swap implements heap.Interface.
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h, t.index = (*h)[:last], -1
	return t
}
