package linmem

import (
	"encoding/binary"
	"fmt"
)

// Delta is how a memory differs from the snapshot that it maps: its size, and
// runs of bytes. The zero value is the delta of an empty memory. Nobody can
// change it; safe for concurrent use.
type Delta struct {
	size    int64  // of the memory, in bytes
	patches []byte // see patch
}

// A patch is a run of bytes that differ: two varints, how many bytes are as in
// the snapshot before it and how many follow, which is never 0, and those. What
// the snapshot has not is zero in it.
type patch struct {
	at   int64
	data []byte
}

// patchReader takes patches off the bytes of a delta of which nothing is taken
// for granted.
type patchReader struct {
	left []byte
	at   int64 // where the last patch ended
	size int64 // no patch reaches past it
}

// next is the next patch; false at the end. Each takes time and memory for its
// own bytes only.
func (r *patchReader) next() (p patch, ok bool, err error) {
	if len(r.left) == 0 {
		return patch{}, false, nil
	}
	skip, err := r.number(uint64(r.size - r.at))
	if err != nil {
		return patch{}, false, err
	}
	at := r.at + skip
	n, err := r.number(uint64(min(r.size-at, int64(len(r.left)))))
	if err != nil {
		return patch{}, false, err
	}
	if n == 0 || n > int64(len(r.left)) {
		return patch{}, false, fmt.Errorf("%w: a run of %d bytes, of which %d are there", ErrDelta, n, len(r.left))
	}
	p = patch{at: at, data: r.left[:n]}
	r.left, r.at = r.left[n:], at+n
	return p, true, nil
}

// number reads a varint that is at most as large as most.
func (r *patchReader) number(most uint64) (int64, error) {
	v, n := binary.Uvarint(r.left)
	if n <= 0 {
		return 0, fmt.Errorf("%w: it ends within a number", ErrDelta)
	}
	if v > most {
		return 0, fmt.Errorf("%w: a run exceeds its memory or its bytes", ErrDelta)
	}
	r.left = r.left[n:]
	return int64(v), nil
}

// ParseDelta makes a delta of what Size and Patches said of one, or refuses
// with ErrDelta what can't be one: the bytes may be anybody's. They are kept,
// not copied.
func ParseDelta(size int64, patches []byte) (Delta, error) {
	if size < 0 || size > MaxSize || size%PageSize != 0 {
		return Delta{}, fmt.Errorf("%w: a memory of %d bytes", ErrDelta, size)
	}
	r := patchReader{left: patches, size: size}
	for {
		if _, ok, err := r.next(); err != nil {
			return Delta{}, err
		} else if !ok {
			return Delta{size: size, patches: patches[:len(patches):len(patches)]}, nil
		}
	}
}

// Size returns the bytes of the memory.
func (d Delta) Size() int64 { return d.size }

// Patches returns the runs of bytes that differ, as ParseDelta takes them. They
// must not be changed.
func (d Delta) Patches() []byte { return d.patches }

// Pages returns how many pages of 4 KiB have bytes that differ.
func (d Delta) Pages() int {
	r := patchReader{left: d.patches, size: d.size}
	pages, next := 0, int64(0) // all below next are counted
	for {
		p, ok, err := r.next()
		if !ok || err != nil {
			return pages
		}
		first, end := max(p.at/digestPage, next), (p.at+int64(len(p.data))-1)/digestPage+1
		if end > first {
			pages += int(end - first)
			next = end
		}
	}
}
