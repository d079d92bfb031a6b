package linmem

import "fmt"

// Map makes the memory equal to s in content and size, and s what Reset goes
// back to. The limit of the attempt is not asked. The memory keeps s alive by
// itself. Tell the instance with Shrink before its guest runs again. After an
// error other than ErrFreed, ErrTooLarge and ErrBudget the memory can only be
// freed.
func (m *Memory) Map(s *Snapshot) error {
	if m.freed || !s.acquire() {
		return fmt.Errorf("map snapshot: %w", ErrFreed)
	}
	if err := m.attach(s); err != nil {
		err = fmt.Errorf("map snapshot of %d bytes: %w", s.Size(), err)
		s.Close()
		return err
	}
	m.unmap()
	m.snap = s
	return nil
}

func (m *Memory) attach(s *Snapshot) error {
	if s.Size() > m.most {
		return ErrTooLarge
	}
	more := s.Size() - m.Size()
	if more > 0 && !m.budget.charge(more) {
		return ErrBudget
	}
	bytes, err := m.space.attach(s)
	if err != nil {
		m.budget.release(max(more, 0))
		return err
	}
	m.budget.release(max(-more, 0))
	m.bytes = bytes
	return nil
}

// Reset makes the memory equal to the mapped snapshot again, in content and
// size; what it had grown goes back to the system. It returns how many system
// pages the memory held of its own, which bounds what the guest wrote since
// the last Reset: pages that an earlier Reset restored and kept count again.
// Where the system doesn't tell, all pages of the snapshot count.
//
// Tell the instance with Shrink before its guest runs again. After an error
// what the memory holds is unknown: free it.
func (m *Memory) Reset() (dirtyPages int, err error) {
	if m.freed {
		return 0, fmt.Errorf("reset memory: %w", ErrFreed)
	}
	if m.snap == nil {
		return 0, fmt.Errorf("reset memory: %w", ErrNoSnapshot)
	}
	bytes, dirty, err := m.space.restore(m.snap)
	if err != nil {
		return dirty, fmt.Errorf("reset memory of %d bytes: %w", m.Size(), err)
	}
	m.budget.release(int64(len(m.bytes) - len(bytes)))
	m.bytes = bytes
	return dirty, nil
}

// unmap drops the reference to the mapped snapshot.
func (m *Memory) unmap() {
	if m.snap != nil {
		m.snap.Close()
		m.snap = nil
	}
}
