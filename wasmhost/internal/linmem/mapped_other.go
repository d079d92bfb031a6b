//go:build !linux

package linmem

// newSpace returns the portable space: there is no other on this system.
func newSpace(_, _ int) space { return &heap{} }

// toFile reports that the system has no memory files.
func (s *Snapshot) toFile([]byte) bool { return false }

func (s *Snapshot) closeFile() {}
