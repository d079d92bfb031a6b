package linmem

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSnapshotFile looks at the file behind a snapshot: nobody can change it,
// and what is zero takes no room, not even after memories were reset.
func TestSnapshotFile(t *testing.T) {
	t.Parallel()
	m := New(Config{})
	defer m.Free()
	b := m.Reallocate(16 * PageSize)
	b[3*PageSize] = 1
	b[9*PageSize+systemPage] = 1
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.file < 0 {
		t.Skip("no memory files here")
	}
	if _, err := unix.Pwrite(s.file, []byte{1}, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("write: got %v, want %v", err, unix.EPERM)
	}
	for _, size := range []int64{0, 100 * PageSize} {
		if err := unix.Ftruncate(s.file, size); !errors.Is(err, unix.EPERM) {
			t.Errorf("resize to %d: got %v, want %v", size, err, unix.EPERM)
		}
	}
	if _, err := unix.FcntlInt(uintptr(s.file), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE); err == nil {
		t.Error("the seals can be changed")
	}
	if flags, err := unix.FcntlInt(uintptr(s.file), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("child processes inherit the file: %d, %v", flags, err)
	}
	if err := m.Map(s); err != nil {
		t.Fatal(err)
	}
	b = m.Reallocate(16 * PageSize)
	want := int64(2 * systemPage)
	b[3*PageSize], b[5*PageSize] = 7, 7
	if _, err := m.Reset(); err != nil {
		t.Fatal(err)
	}
	copied := New(Config{Portable: true})
	defer copied.Free()
	if err := copied.Map(s); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Fstat(s.file, &stat); err != nil {
		t.Fatal(err)
	}
	// A write to a page that was a hole fills that one, and that one only.
	// Copying all of the snapshot fills none.
	if got, most := stat.Blocks*512, want+int64(systemPage); got > most {
		t.Errorf("got a file that takes %d bytes, want at most %d", got, most)
	}
	if got := s.Filled(); got != want {
		t.Errorf("got %d bytes filled, want %d", got, want)
	}
}
