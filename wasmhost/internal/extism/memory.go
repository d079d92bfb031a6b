package extism

import (
	"encoding/binary"
	"math/bits"
)

const (
	pageBytes  = 64 << 10
	firstBlock = 64 // no offset is 0, which says "none"
	// blockOverhead is what the table takes for a block, counted with it, so
	// that many small blocks cost no more than the limit says.
	blockOverhead = 128
	sizeClasses   = 256
)

// memory is the kernel's: blocks in one growing array. As with the original
// kernel, any offset within the array can be read and written, whether or not
// a block is there. The table of blocks is out of the plug-in's reach.
type memory struct {
	limit  int64
	bytes  []byte // whole pages
	top    uint64 // the end of the last block
	blocks map[uint64]block
	free   [sizeClasses][]uint64 // offsets of free blocks by class
	tabled int64                 // blocks in use and free
}

// block is a block in use.
type block struct {
	class int
	used  uint64
}

func newMemory(limit int64) *memory {
	return &memory{limit: limit, top: firstBlock, blocks: make(map[uint64]block)}
}

// alloc makes a block; 0 bytes are at offset 0.
func (m *memory) alloc(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	if m.limit <= 0 || n > uint64(m.limit) {
		over("kernel memory", m.limit)
	}
	class := sizeClass(n)
	offset, class := m.take(class)
	if offset == 0 {
		offset = m.extend(classBytes(class))
	}
	m.blocks[offset] = block{class: class, used: n}
	return offset
}

// take finds a free block of a class, or one up to twice as large.
func (m *memory) take(class int) (offset uint64, found int) {
	for c := class; c < min(class+4, sizeClasses); c++ {
		if last := len(m.free[c]) - 1; last >= 0 {
			offset = m.free[c][last]
			m.free[c] = m.free[c][:last]
			return offset, c
		}
	}
	return 0, class
}

// extend adds a block at the end.
func (m *memory) extend(size uint64) uint64 {
	end := m.top + size
	pages := (end + pageBytes - 1) / pageBytes * pageBytes
	m.tabled++
	if int64(pages)+m.tabled*blockOverhead > max(m.limit, 0)+pageBytes { // the first page is free
		over("kernel memory", m.limit)
	}
	m.grow(pages)
	offset := m.top
	m.top = end
	return offset
}

// grow makes the array at least as long, with room to grow again.
func (m *memory) grow(pages uint64) {
	size := uint64(len(m.bytes))
	if pages <= size {
		return
	}
	if pages > uint64(cap(m.bytes)) {
		grown := make([]byte, size, max(pages, min(2*size, uint64(m.limit)+pageBytes)))
		copy(grown, m.bytes)
		m.bytes = grown
	}
	m.bytes = m.bytes[:pages]
}

// reset forgets and clears all blocks. The array stays.
func (m *memory) reset() {
	clear(m.bytes[:min(m.top, uint64(len(m.bytes)))])
	*m = memory{limit: m.limit, bytes: m.bytes, top: firstBlock, blocks: make(map[uint64]block)}
}

// release gives a block back; an offset without a block is none of its business.
func (m *memory) release(offset uint64) {
	b, found := m.blocks[offset]
	if !found {
		return
	}
	delete(m.blocks, offset)
	m.free[b.class] = append(m.free[b.class], offset)
}

// length is the size of the block at an offset, 0 if there is none.
func (m *memory) length(offset uint64) uint64 { return m.blocks[offset].used }

// view is a part of the memory; the guest sees what is written to it. It
// traps where no memory is.
func (m *memory) view(offset, n uint64) []byte {
	size := uint64(len(m.bytes))
	if offset < firstBlock || offset > size || n > size-offset {
		trap(nil, "%d bytes at offset %d are outside the kernel memory", n, offset)
	}
	return m.bytes[offset : offset+n]
}

// block is the content of the block at an offset, empty if there is none.
func (m *memory) block(offset uint64) []byte {
	n := m.length(offset)
	if n == 0 {
		return nil
	}
	return m.view(offset, n)
}

// write makes a block of data.
func (m *memory) write(data []byte) uint64 {
	offset := m.alloc(uint64(len(data)))
	if offset != 0 {
		copy(m.view(offset, uint64(len(data))), data)
	}
	return offset
}

func (m *memory) loadU64(offset uint64) uint64 {
	return binary.LittleEndian.Uint64(m.view(offset, 8))
}

// sizeClass is the smallest class that holds n bytes. There are four classes
// for each power of two, from 16 bytes on, so that at most a fifth is wasted.
func sizeClass(n uint64) int {
	if n <= 16 {
		return 0
	}
	n--                            // class bounds are inclusive
	exponent := bits.Len64(n) - 1  // of the highest bit, at least 4
	quarter := n >> (exponent - 2) // 4 to 7: the bits below it
	return (exponent-4)*4 + int(quarter-4) + 1
}

// classBytes is the size of the blocks of a class.
func classBytes(class int) uint64 {
	if class == 0 {
		return 16
	}
	exponent, quarter := (class-1)/4+4, uint64((class-1)%4)
	return (quarter + 5) << (exponent - 2)
}
