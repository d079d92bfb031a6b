package linmem

import (
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errUnseen says that the system does not tell which pages are dirty.
var errUnseen = errors.New("dirty pages can't be found")

// way is how a scanner learns which pages are dirty.
type way int

const (
	wayNone  way = iota // it doesn't
	wayTable            // it reads an entry for each page
	wayScan             // it asks for the runs of dirty pages: Linux 6.7
)

// pageMap is the file /proc/self/pagemap, open as long as the process lives;
// -1 where that is forbidden.
var pageMap = sync.OnceValue(func() int {
	fd, err := unix.Open("/proc/self/pagemap", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
})

// scanner finds the dirty pages in a private mapping of a file: those that
// are in memory or swapped out and don't belong to the file. It may take a
// clean page for dirty, never the reverse.
type scanner struct {
	way   way
	base  uintptr
	at    int // page to go on with
	pages int

	regions []pageRegion // wayScan: the last answer
	left    []pageRegion // wayScan: of the last answer
	table   []byte       // wayTable: room for entries
	entries []byte       // wayTable: of the pages from at on
}

func (s *scanner) start(base unsafe.Pointer, pages int) {
	s.base, s.at, s.pages = uintptr(base), 0, pages
	s.left, s.entries = nil, nil
}

// next returns the next run of dirty pages, ascending, or false at the end.
func (s *scanner) next() (pageRun, bool, error) {
	switch s.way {
	case wayScan:
		return s.nextRegion()
	case wayTable:
		return s.nextEntries()
	default:
		return pageRun{}, false, errUnseen
	}
}

// pageRegion is struct page_region of linux/fs.h.
type pageRegion struct{ start, end, categories uint64 }

// scanArg is struct pm_scan_arg of linux/fs.h.
type scanArg struct {
	size, flags                          uint64
	start, end, walkEnd                  uint64
	regions, regionCount, mostPages      uint64
	inverted, allOf, anyOf, returnedMask uint64
}

const (
	pageMapScan = 0xc0606610 // PAGEMAP_SCAN: _IOWR('f', 16, struct pm_scan_arg)

	pageIsFile    = 1 << 2
	pageIsPresent = 1 << 3
	pageIsSwapped = 1 << 4
)

func (s *scanner) nextRegion() (pageRun, bool, error) {
	for len(s.left) == 0 {
		if s.at == s.pages {
			return pageRun{}, false, nil
		}
		if err := s.ask(); err != nil {
			return pageRun{}, false, err
		}
	}
	r := s.left[0]
	s.left = s.left[1:]
	return pageRun{s.page(r.start), s.page(r.end)}, true, nil
}

// ask has the kernel list the next regions of dirty pages.
func (s *scanner) ask() error {
	if s.regions == nil {
		s.regions = make([]pageRegion, 64)
	}
	arg := &scanArg{
		start:       uint64(s.base) + uint64(s.at*systemPage),
		end:         uint64(s.base) + uint64(s.pages*systemPage),
		regions:     uint64(uintptr(unsafe.Pointer(&s.regions[0]))),
		regionCount: uint64(len(s.regions)),
		inverted:    pageIsFile,
		allOf:       pageIsFile,
		anyOf:       pageIsPresent | pageIsSwapped,
	}
	arg.size = uint64(unsafe.Sizeof(*arg))
	n, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(pageMap()), pageMapScan, uintptr(unsafe.Pointer(arg)))
	runtime.KeepAlive(s)
	if errno == unix.EINTR {
		return nil
	}
	next := s.page(arg.walkEnd)
	if errno != 0 || next <= s.at || next > s.pages {
		return errUnseen
	}
	s.left, s.at = s.regions[:n], next
	return nil
}

func (s *scanner) page(addr uint64) int {
	return int(addr-uint64(s.base)) / systemPage
}

const (
	entrySize    = 8
	entryFile    = 1 << 61
	entrySwapped = 1 << 62
	entryPresent = 1 << 63
)

func (s *scanner) nextEntries() (pageRun, bool, error) {
	run := pageRun{first: -1}
	for s.at < s.pages {
		if len(s.entries) == 0 {
			if err := s.read(); err != nil {
				return run, false, err
			}
		}
		dirty := entryDirty(binary.NativeEndian.Uint64(s.entries))
		if !dirty && run.first >= 0 {
			break
		}
		if dirty && run.first < 0 {
			run.first = s.at
		}
		s.at++
		s.entries = s.entries[entrySize:]
		run.end = s.at
	}
	return run, run.first >= 0, nil
}

func entryDirty(e uint64) bool {
	return e&entrySwapped != 0 || e&entryPresent != 0 && e&entryFile == 0
}

// read gets the entries of the next pages.
func (s *scanner) read() error {
	if s.table == nil {
		s.table = make([]byte, 1024*entrySize)
	}
	b := s.table[:min(len(s.table), (s.pages-s.at)*entrySize)]
	from := (int64(s.base)/int64(systemPage) + int64(s.at)) * entrySize
	if n, err := unix.Pread(pageMap(), b, from); err != nil || n != len(b) {
		return errUnseen
	}
	s.entries = b
	return nil
}
