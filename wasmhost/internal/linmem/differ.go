package linmem

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// joinWithin is how many equal bytes may be between two runs for them to become
// one. A run of its own takes two bytes at least, and a step of Apply.
const joinWithin = 6

// block is how many bytes are compared at once.
const block = 64

// differ collects the patches of a memory.
type differ struct {
	now      []byte // the memory
	patches  []byte
	from, to int // a run that may become longer; empty if there is none
	end      int // of the last patch
}

// compare looks for what differs from was in as many bytes from at on. Calls
// ascend; lengths are multiples of a block.
func (d *differ) compare(at int, was []byte) {
	now := d.now[at : at+len(was)]
	if bytes.Equal(now, was) {
		return
	}
	for i := 0; i < len(now); i += block {
		a, b := (*[block]byte)(now[i:]), (*[block]byte)(was[i:])
		if *a != *b {
			d.words(at+i, a, b)
		}
	}
}

// words looks at each eight bytes of a block.
func (d *differ) words(at int, now, was *[block]byte) {
	for i := 0; i < block; i += 8 {
		differs := binary.LittleEndian.Uint64(now[i:i+8]) ^ binary.LittleEndian.Uint64(was[i:i+8])
		if differs != 0 {
			d.add(at+i+bits.TrailingZeros64(differs)/8, at+i+8-bits.LeadingZeros64(differs)/8)
		}
	}
}

// add puts what differs to a run.
func (d *differ) add(from, to int) {
	if d.from == d.to || from-d.to > joinWithin {
		d.flush()
		d.from = from
	}
	d.to = to
}

// size is how many bytes there are of patches, but for the last one's numbers.
func (d *differ) size() int64 { return int64(len(d.patches) + d.to - d.from) }

func (d *differ) flush() {
	if d.from == d.to {
		return
	}
	d.patches = binary.AppendUvarint(d.patches, uint64(d.from-d.end))
	d.patches = binary.AppendUvarint(d.patches, uint64(d.to-d.from))
	d.patches = append(d.patches, d.now[d.from:d.to]...)
	d.end, d.from = d.to, d.to
}

// finish returns all patches, in no more memory than they need.
func (d *differ) finish() []byte {
	d.flush()
	if cap(d.patches)-len(d.patches) > len(d.patches)/8 {
		return slices.Clone(d.patches)
	}
	return d.patches
}
