package linmem

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// toFile puts the content into a sealed memory file. It reports false where
// the system has none: containers may forbid them.
func (s *Snapshot) toFile(content []byte) bool {
	if len(content) == 0 {
		return false
	}
	fd, err := memoryFile()
	if err != nil {
		return false
	}
	data, err := s.fill(fd, content)
	if err != nil {
		_ = unix.Close(fd) // nothing in it is wanted
		return false
	}
	s.file, s.data = fd, data
	return true
}

func memoryFile() (int, error) {
	const name = "linear memory"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	return fd, err
}

// fill writes the filled pages, leaves the others holes, seals the file and
// returns it mapped.
func (s *Snapshot) fill(fd int, content []byte) ([]byte, error) {
	if err := unix.Ftruncate(fd, int64(len(content))); err != nil {
		return nil, fmt.Errorf("size memory file: %w", err)
	}
	for i := range len(content) / systemPage {
		if !s.isFilled(i) {
			continue
		}
		at := i * systemPage
		if err := writeAt(fd, content[at:at+systemPage], int64(at)); err != nil {
			return nil, fmt.Errorf("write memory file: %w", err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("seal memory file: %w", err)
	}
	// Private, since before Linux 6.7 a sealed file can't be mapped shared.
	return unix.Mmap(fd, 0, len(content), unix.PROT_READ, unix.MAP_PRIVATE)
}

func writeAt(fd int, b []byte, at int64) error {
	for len(b) > 0 {
		n, err := unix.Pwrite(fd, b, at)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b, at = b[n:], at+int64(n)
	}
	return nil
}

func (s *Snapshot) closeFile() {
	if s.file >= 0 {
		// Neither fails for a range and a file that are ours.
		_ = unix.Munmap(s.data)
		_ = unix.Close(s.file)
	}
}
