package linmem

import (
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bestWay returns the fastest way to find dirty pages that is seen to work
// here: a kernel may be old, a container forbid the file, an emulated kernel
// answer something else.
var bestWay = sync.OnceValue(func() way {
	for _, w := range []way{wayScan, wayTable} {
		if pageMap() >= 0 && works(w) {
			return w
		}
	}
	return wayNone
})

// works tries a way on a mapping of which some pages were written, some read.
func works(w way) bool {
	const pages = 8
	content := make([]byte, pages*systemPage)
	for i := range content {
		content[i] = 1
	}
	s := &Snapshot{filled: filledPages(content), file: -1}
	if !s.toFile(content) {
		return false
	}
	defer s.closeFile()
	b, err := unix.Mmap(s.file, 0, len(content), readWrite, unix.MAP_PRIVATE)
	if err != nil {
		return false
	}
	defer unix.Munmap(b) //nolint:errcheck // of a range that is ours
	written := []int{1, 2, 5, 7}
	for i := range pages {
		if slices.Contains(written, i) {
			b[i*systemPage] = 2
		} else if i != 4 && b[i*systemPage] != 1 {
			return false
		}
	}
	return slices.Equal(dirtyPages(w, b), written)
}

// dirtyPages lists what a scan of b finds, nil if it fails.
func dirtyPages(w way, b []byte) []int {
	s := &scanner{way: w}
	s.start(unsafe.Pointer(&b[0]), len(b)/systemPage)
	var found []int
	for {
		run, ok, err := s.next()
		if err != nil {
			return nil
		}
		if !ok {
			return found
		}
		for i := run.first; i < run.end; i++ {
			found = append(found, i)
		}
	}
}
