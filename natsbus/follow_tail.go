package natsbus

import (
	"slices"
)

// tailBytes bounds what a follower keeps of the events that came, all runs
// together. Behind that a run is read from the stream.
const tailBytes = 8 << 20

// tail is the end of a run's log: all events after base.
type tail struct {
	token   string
	base    uint64
	entries []*entry
	marks   int // in the order of tails
}

// tails are those of the runs of a partition, the oldest events dropped. It is not
// safe for concurrent use.
type tails struct {
	by    map[string]*tail // by the run's token
	order []mark           // of what was kept, the oldest first
	head  int              // of order: what was before is dropped
	bytes int
}

// mark is something that takes room: an event, or a tail by itself.
type mark struct {
	tail *tail
	seq  uint64 // 0: the tail
	size int
}

// tailCost is about what a tail takes by itself.
const tailCost = 256

// of returns the tail of a run. One that is new is complete from base on.
func (t *tails) of(token string, base uint64) *tail {
	l := t.by[token]
	if l == nil {
		l = &tail{token: token, base: base}
		t.by[token] = l
		t.push(mark{tail: l, size: tailCost})
	}
	return l
}

func (t *tails) add(l *tail, e *entry) {
	l.entries = append(l.entries, e)
	t.push(mark{tail: l, seq: e.seq, size: e.size()})
}

func (t *tails) push(m mark) {
	m.tail.marks++
	t.order = append(t.order, m)
	t.bytes += m.size
}

// shrink drops the oldest until the rest is within bounds.
func (t *tails) shrink(bound int) {
	for t.bytes > bound && t.head < len(t.order) {
		m := t.order[t.head]
		t.order[t.head] = mark{}
		t.head++
		t.bytes -= m.size
		m.tail.marks--
		if l := m.tail; m.seq != 0 && len(l.entries) > 0 && l.entries[0].seq == m.seq { // else it was dropped before
			l.base = max(l.base, m.seq)
			l.entries[0] = nil
			l.entries = l.entries[1:]
		}
		if m.tail.marks == 0 && t.by[m.tail.token] == m.tail {
			delete(t.by, m.tail.token)
		}
	}
	if t.head > 1024 && t.head > len(t.order)/2 {
		t.order = slices.Delete(t.order, 0, t.head)
		t.head = 0
	}
}

// drop forgets a run.
func (t *tails) drop(token string) {
	if l := t.by[token]; l != nil {
		l.entries = nil
		delete(t.by, token)
	}
}

// after returns entries that follow a sequence, up to a page; false: not all of
// them are here.
func (l *tail) after(seq uint64) ([]*entry, bool) {
	if l == nil || seq < l.base {
		return nil, false
	}
	i, _ := slices.BinarySearchFunc(l.entries, seq+1, func(e *entry, seq uint64) int {
		switch {
		case e.seq < seq:
			return -1
		case e.seq > seq:
			return 1
		}
		return 0
	})
	return slices.Clone(l.entries[i:min(len(l.entries), i+pageSize)]), true
}

// entry returns one by its sequence, or nil.
func (l *tail) entry(seq uint64) *entry {
	if l == nil {
		return nil
	}
	for _, e := range slices.Backward(l.entries) {
		if e.seq <= seq {
			if e.seq == seq {
				return e
			}
			return nil
		}
	}
	return nil
}
