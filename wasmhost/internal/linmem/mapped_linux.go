package linmem

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readWrite = unix.PROT_READ | unix.PROT_WRITE
	anonymous = unix.MAP_PRIVATE | unix.MAP_ANON | unix.MAP_NORESERVE
)

// hugeGrowth is from how many bytes on a guest that grows by them at once is
// taken to use them all: the system is then asked for its large pages, which
// makes touching each of 16 MiB six times as fast, and a few of them three
// times as slow.
const hugeGrowth = 16 << 20

// mapped keeps a memory in an address range that is reserved from the start:
// the first size bytes may be touched, what follows ends the process. The
// first bytes, as many as the snapshot has, are a private mapping of its file,
// all others are anonymous.
type mapped struct {
	base     unsafe.Pointer // nil if nothing is reserved
	reserved int            // bytes
	size     int            // bytes
	keep     int            // system pages
	scan     scanner
}

var _ space = (*mapped)(nil)

// newSpace reserves most bytes, or returns the portable space where the
// system refuses them.
func newSpace(most, keep int) space {
	m := &mapped{reserved: most, keep: keep, scan: scanner{way: bestWay()}}
	if most == 0 {
		return m
	}
	base, err := unix.MmapPtr(-1, 0, nil, uintptr(most), unix.PROT_NONE, anonymous)
	if err != nil {
		return &heap{}
	}
	m.base = base
	return m
}

func (m *mapped) resize(size int, g growth) ([]byte, error) {
	if size > m.reserved {
		return nil, fmt.Errorf("commit %d of %d reserved bytes: %w", size, m.reserved, unix.ENOMEM)
	}
	if size > m.size {
		if err := unix.Mprotect(m.part(m.size, size), readWrite); err != nil {
			return nil, fmt.Errorf("commit memory: %w", err)
		}
		if g == dense && m.size > 0 && size-m.size >= hugeGrowth {
			// Where the system has none, nothing is lost.
			_ = unix.Madvise(m.part(m.size, size), unix.MADV_HUGEPAGE)
		}
		m.size = size
	}
	return m.bytes(), nil
}

func (m *mapped) attach(s *Snapshot) ([]byte, error) {
	size := len(s.data)
	if size > m.reserved {
		return nil, ErrTooLarge
	}
	if s.file < 0 {
		return m.attachCopy(s)
	}
	// What exceeds the snapshot goes, as it may be of one that was mapped
	// before: dropping its pages later would bring back its content.
	if err := m.dropFrom(size); err != nil {
		return nil, err
	}
	if err := m.remap(s.file, 0, size, readWrite, unix.MAP_PRIVATE|unix.MAP_NORESERVE); err != nil {
		return nil, err
	}
	m.size = size
	return m.bytes(), nil
}

// attachCopy attaches a snapshot that is on the heap.
func (m *mapped) attachCopy(s *Snapshot) ([]byte, error) {
	if err := m.dropFrom(0); err != nil {
		return nil, err
	}
	bytes, err := m.resize(len(s.data), dense)
	if err != nil {
		return nil, err
	}
	s.restorePages(bytes, 0, len(bytes)/systemPage)
	return bytes, nil
}

// restore is the one place that decides what can differ from the snapshot:
// all that was grown, which is dropped, and in the mapped file the pages that
// the guest has copies of, as a write gives it one.
func (m *mapped) restore(s *Snapshot) ([]byte, int, error) {
	size := len(s.data)
	if err := m.dropFrom(size); err != nil {
		return nil, 0, err
	}
	pages := size / systemPage
	if s.file < 0 {
		s.restorePages(m.bytes(), 0, pages) // not a mapping: nothing tells
		return m.bytes(), pages, nil
	}
	dirty, err := m.restoreDirty(s)
	if errors.Is(err, errUnseen) {
		dirty, err = pages, m.forget(0, pages)
	}
	return m.bytes(), dirty, err
}

// restoreDirty copies the first dirty pages back, for the next task not to
// fault, and lets the others go. It returns how many there are.
func (m *mapped) restoreDirty(s *Snapshot) (int, error) {
	bytes := m.bytes()
	dirty, drop := 0, pageRun{first: -1}
	m.scan.start(m.base, len(bytes)/systemPage)
	for {
		run, ok, err := m.scan.next()
		if err != nil {
			return dirty, err
		}
		if !ok {
			break
		}
		kept := min(run.end-run.first, max(m.keep-dirty, 0))
		s.restorePages(bytes, run.first, run.first+kept)
		dirty += run.end - run.first
		if run.first += kept; run.first < run.end {
			if drop.first < 0 {
				drop.first = run.first
			}
			drop.end = run.end
		}
	}
	if drop.first < 0 {
		return dirty, nil
	}
	return dirty, m.forget(drop.first, drop.end)
}

// changed lists the pages that the guest has copies of, and those that it grew
// and touched.
func (m *mapped) changed(s *Snapshot) []pageRun {
	all := []pageRun{{0, m.size / systemPage}}
	if s.file < 0 || m.size == 0 {
		return all
	}
	var runs []pageRun
	m.scan.start(m.base, m.size/systemPage)
	for {
		run, ok, err := m.scan.next()
		if err != nil {
			return all // it must be seen by comparing
		}
		if !ok {
			return runs
		}
		runs = append(runs, run)
	}
}

// forget drops the guest's copies of system pages [first, end), under which
// the snapshot's file shows again.
func (m *mapped) forget(first, end int) error {
	if first == end {
		return nil
	}
	err := unix.Madvise(m.part(first*systemPage, end*systemPage), unix.MADV_DONTNEED)
	if err != nil {
		return fmt.Errorf("drop dirty pages: %w", err)
	}
	return nil
}

// dropFrom gives the memory from offset size on back to the system, and the
// addresses back to the reservation.
func (m *mapped) dropFrom(size int) error {
	if m.size <= size {
		return nil
	}
	if err := m.remap(-1, size, m.size, unix.PROT_NONE, anonymous); err != nil {
		return err
	}
	m.size = size
	return nil
}

// remap puts another mapping over the range [from, to).
func (m *mapped) remap(file, from, to, prot, flags int) error {
	at := unsafe.Add(m.base, from)
	_, err := unix.MmapPtr(file, 0, at, uintptr(to-from), prot, flags|unix.MAP_FIXED)
	if err != nil {
		// A failed replacement may have left a hole, in which others may map
		// something by now: never unmap it.
		m.base, m.reserved, m.size = nil, 0, 0
		return fmt.Errorf("map %d bytes of memory: %w", to-from, err)
	}
	return nil
}

func (m *mapped) free() {
	if m.base != nil {
		// It fails only for want of kernel memory; the range then stays taken.
		_ = unix.MunmapPtr(m.base, uintptr(m.reserved))
	}
	m.base, m.reserved, m.size = nil, 0, 0
}

func (m *mapped) bytes() []byte { return m.part(0, m.size) }

func (m *mapped) part(from, to int) []byte {
	if from == to {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Add(m.base, from)), to-from)
}
