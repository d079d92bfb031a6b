package wasmhost

import "github.com/tetratelabs/wazero/experimental"

// linearMemory allocates the one memory of an instance and refuses to grow it
// past limit. wazero turns a nil from Reallocate into memory.grow's -1.
type linearMemory struct {
	limit   uint64 // bytes
	most    uint64 // bytes: what the module itself declares
	buf     []byte
	refused bool
}

var (
	_ experimental.MemoryAllocator = (*linearMemory)(nil)
	_ experimental.LinearMemory    = (*linearMemory)(nil)
)

func (m *linearMemory) Allocate(_, most uint64) experimental.LinearMemory {
	m.most = most
	return m
}

func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		m.refused = true
		return nil
	}
	if size > uint64(cap(m.buf)) {
		// Half as much again, so that growing page by page stays linear.
		room := min(max(size, uint64(cap(m.buf))*3/2), m.limit, max(m.most, size))
		grown := make([]byte, size, room)
		copy(grown, m.buf)
		m.buf = grown
	}
	m.buf = m.buf[:size]
	return m.buf
}

// Free leaves the memory to the garbage collector: an instance may be closed
// from another goroutine while its guest still runs.
func (m *linearMemory) Free() {}

func (m *linearMemory) peak() int64 { return int64(len(m.buf)) }

// exhausted reports whether the guest asked for more than it may have, or
// holds all that its own declaration allows.
func (m *linearMemory) exhausted() bool {
	return m.refused || (m.most > 0 && m.most < 1<<32 && uint64(len(m.buf)) >= m.most && m.grown())
}

// grown reports whether the memory is more than a page: tiny modules with a
// fixed memory are not out of it.
func (m *linearMemory) grown() bool { return len(m.buf) > 16<<20 }
