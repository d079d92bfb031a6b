package statedir

import (
	"cmp"
	"slices"
)

// markEvery is how many bytes of a segment are between two marks, at least.
const markEvery = 64 << 10

// mark says where in its segment a record is.
type mark struct {
	seq    uint64
	offset int64
}

// marks are some of a log's records, in order: from one of them on is read what
// is asked for, so that it costs nothing how much is before it.
type marks []mark

// add adds a mark, if it begins a segment or is far enough from the last.
func (m *marks) add(k mark, begins bool) {
	if n := len(*m); !begins && n > 0 && k.offset < (*m)[n-1].offset+markEvery {
		return
	}
	*m = append(*m, k)
}

// before is the last mark that is not after a sequence; the caller knows that
// there is one.
func (m marks) before(seq uint64) mark {
	i, found := slices.BinarySearchFunc(m, seq, func(k mark, seq uint64) int { return cmp.Compare(k.seq, seq) })
	if !found {
		i--
	}
	return m[i]
}

// drop forgets the marks before a sequence.
func (m *marks) drop(before uint64) {
	*m = slices.DeleteFunc(*m, func(k mark) bool { return k.seq < before })
}
