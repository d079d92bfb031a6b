package linmem

import "fmt"

// Delta compares the memory with the snapshot that it maps. On Linux only the
// pages are compared of which it has copies of its own, and none that nobody
// touched. A delta of more than most bytes is ErrTooLarge, before it takes more
// memory than that and a page. The guest must not run.
func (m *Memory) Delta(most int64) (Delta, error) {
	if m.freed {
		return Delta{}, fmt.Errorf("compare memory: %w", ErrFreed)
	}
	if m.snap == nil {
		return Delta{}, fmt.Errorf("compare memory: %w", ErrNoSnapshot)
	}
	d := differ{now: m.bytes}
	for _, run := range m.space.changed(m.snap) {
		for i := run.first; i < run.end; i++ {
			at := i * systemPage
			d.compare(at, m.snap.page(i))
			if d.size() > most {
				return Delta{}, fmt.Errorf("compare memory: a delta of more than %d bytes: %w", most, ErrTooLarge)
			}
		}
	}
	patches := d.finish()
	if int64(len(patches)) > most {
		return Delta{}, fmt.Errorf("compare memory: a delta of %d bytes, not %d: %w", len(patches), most, ErrTooLarge)
	}
	return Delta{size: m.Size(), patches: patches}, nil
}

// Apply makes a memory that is equal to its snapshot what the one was that d is
// of, in content and size. It costs what the pages do that differ. The limit of
// the attempt, Most and the budget are asked, as when a guest grows: ErrTooLarge
// and ErrBudget leave the memory as it was, after all other errors it can only
// be freed. Tell the instance with Shrink before its guest runs again.
func (m *Memory) Apply(d Delta) error {
	switch {
	case m.freed:
		return fmt.Errorf("apply delta: %w", ErrFreed)
	case m.snap == nil:
		return fmt.Errorf("apply delta: %w", ErrNoSnapshot)
	case d.size < m.Size():
		return fmt.Errorf("apply delta: %w: of %d bytes to a memory of %d", ErrDelta, d.size, m.Size())
	case d.size > min(m.limit, m.most):
		return fmt.Errorf("apply delta of %d bytes: %w", d.size, ErrTooLarge)
	}
	more := d.size - m.Size()
	if !m.budget.charge(more) {
		return fmt.Errorf("apply delta of %d bytes: %w", d.size, ErrBudget)
	}
	bytes, err := m.space.resize(int(d.size), sparse)
	if err != nil {
		m.budget.release(more)
		return fmt.Errorf("apply delta of %d bytes: %w", d.size, err)
	}
	m.bytes = bytes
	m.peak = max(m.peak, d.size)
	r := patchReader{left: d.patches, size: d.size}
	for {
		p, ok, err := r.next()
		if !ok || err != nil {
			return err
		}
		copy(m.bytes[p.at:], p.data)
	}
}

// zeroPage is a system page that nobody writes to.
var zeroPage = make([]byte, systemPage)

// page returns a system page of the snapshot, zero where it has none. A page of
// zeros is not read: reading a hole of a memory file fills it.
func (s *Snapshot) page(i int) []byte {
	if (i+1)*systemPage > len(s.data) || !s.isFilled(i) {
		return zeroPage
	}
	return s.data[i*systemPage : (i+1)*systemPage]
}
