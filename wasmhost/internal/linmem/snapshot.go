package linmem

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"
)

// systemPage is the unit in which the system copies and returns memory. It
// divides PageSize wherever Go runs.
var systemPage = os.Getpagesize()

// Snapshot is what a memory held at one time. Nobody can change it: on Linux
// it is a sealed memory file. Memories that map it share its pages until they
// write. Safe for concurrent use.
type Snapshot struct {
	data   []byte   // all of it, only to be read
	filled []uint64 // a bit for each system page that isn't all zero
	file   int      // memory file that holds data, -1 if that is on the heap
	budget *Budget
	refs   atomic.Int64 // its owner's and one for each memory that maps it
}

// Snapshot copies the content of the memory. The budget is charged with its
// size until the snapshot is closed by its owner and by all memories that map
// it. The memory itself is not mapped to it: that is Map.
func (m *Memory) Snapshot() (*Snapshot, error) {
	if m.freed {
		return nil, fmt.Errorf("take snapshot: %w", ErrFreed)
	}
	if !m.budget.charge(m.Size()) {
		return nil, fmt.Errorf("take snapshot of %d bytes: %w", m.Size(), ErrBudget)
	}
	s := &Snapshot{filled: filledPages(m.bytes), file: -1, budget: m.budget}
	s.refs.Store(1)
	if _, portable := m.space.(*heap); portable || !s.toFile(m.bytes) {
		s.data = bytes.Clone(m.bytes)
	}
	return s, nil
}

// Size returns the bytes of the memory at that time.
func (s *Snapshot) Size() int64 { return int64(len(s.data)) }

// Filled returns how many bytes are in system pages that aren't all zero: what
// the snapshot costs while nobody reads the others.
func (s *Snapshot) Filled() int64 {
	var n int64
	for i := range len(s.data) / systemPage {
		if s.isFilled(i) {
			n += int64(systemPage)
		}
	}
	return n
}

// Close drops the owner's reference. What the snapshot holds is given back
// when no memory maps it anymore. To be called once.
func (s *Snapshot) Close() {
	if s.refs.Add(-1) > 0 {
		return
	}
	size := s.Size()
	s.closeFile()
	s.data = nil
	s.budget.release(size)
}

// acquire adds a reference, unless the last one is gone.
func (s *Snapshot) acquire() bool {
	for {
		n := s.refs.Load()
		if n <= 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (s *Snapshot) isFilled(page int) bool {
	return s.filled[page/64]&(1<<(page%64)) != 0
}

// restorePages makes the system pages [first, end) of dst equal to the
// snapshot. Pages that are zero in it are not read from it: reading a hole of
// a memory file fills it.
func (s *Snapshot) restorePages(dst []byte, first, end int) {
	for first < end {
		run := first + 1
		for run < end && s.isFilled(run) == s.isFilled(first) {
			run++
		}
		from, to := first*systemPage, run*systemPage
		if s.isFilled(first) {
			copy(dst[from:to], s.data[from:to])
		} else {
			clear(dst[from:to])
		}
		first = run
	}
}

// filledPages returns a bit for each system page of b that isn't all zero.
func filledPages(b []byte) []uint64 {
	pages := len(b) / systemPage
	filled := make([]uint64, (pages+63)/64)
	for i := range pages {
		if !bytes.Equal(b[i*systemPage:(i+1)*systemPage], zeroPage) {
			filled[i/64] |= 1 << (i % 64)
		}
	}
	return filled
}
