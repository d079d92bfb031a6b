package linmem

import (
	"github.com/tetratelabs/wazero/experimental"
)

// PageSize is WebAssembly's unit of memory: every size is a multiple of it.
const PageSize = 64 << 10

// MaxSize is the most a 32-bit memory can address.
const MaxSize = 4 << 30

// maxSize leaves room beside one memory where addresses are short.
const maxSize = min(int64(MaxSize), int64(^uint(0)>>2))

// defaultKeep is 4 MiB in a sandbox at rest.
const defaultKeep = 1024

// Config says how large a memory may become. The zero value is a memory of up
// to MaxSize that no budget bounds.
type Config struct {
	// Most is the bytes of address space to reserve: what the module declares
	// as its maximum, or less where the host allows less. It costs no memory.
	// Rounded down to whole pages; default and upper bound: MaxSize.
	Most int64
	// Budget is charged with the memory's size. Default: none.
	Budget *Budget
	// Keep is how many dirty system pages Reset may leave in the memory's own
	// hands, their content restored, so that the next task doesn't fault for
	// them; those above go back to the system. Default: 1024; negative: none.
	Keep int
	// Portable chooses the implementation on Go's heap, also on Linux.
	Portable bool
}

// Memory is the linear memory of one instance. It is wazero's allocator for
// that instance as well as the memory allocated. Not safe for concurrent use:
// a guest that runs counts as a user.
type Memory struct {
	space  space
	bytes  []byte // what the guest may touch; its length is the size
	budget *Budget
	snap   *Snapshot // mapped last, nil if none

	most    int64 // bytes
	limit   int64 // bytes, of this attempt
	peak    int64 // bytes, of this attempt
	refused bool  // in this attempt
	freed   bool
}

// space is where the bytes of a memory live. After an error, bytes handed out
// before must not be touched, and only free may be called.
type space interface {
	// resize makes the memory longer; what is added reads as zero.
	resize(size int, g growth) ([]byte, error)
	// attach makes the memory the content and size of s.
	attach(s *Snapshot) ([]byte, error)
	// restore makes the memory the content and size of s, which was attached
	// last. It returns how many system pages may have differed.
	restore(s *Snapshot) ([]byte, int, error)
	// changed lists the system pages that may differ from s, which was attached
	// last, ascending. Those that s has not may differ from zero.
	changed(s *Snapshot) []pageRun
	free()
}

// growth says what a memory grows for.
type growth int

const (
	dense  growth = iota // all of it is taken to be used soon
	sparse               // some of its pages are
)

// pageRun is the system pages [first, end) of a memory.
type pageRun struct{ first, end int }

var (
	_ experimental.MemoryAllocator = (*Memory)(nil)
	_ experimental.LinearMemory    = (*Memory)(nil)
)

// New returns an empty memory, with its address range reserved. The caller
// frees it, or wazero does when it closes the instance.
func New(cfg Config) *Memory {
	most := cfg.Most
	if most <= 0 || most > maxSize {
		most = maxSize
	}
	most -= most % PageSize
	keep := cfg.Keep
	if keep == 0 {
		keep = defaultKeep
	}
	m := &Memory{bytes: []byte{}, budget: cfg.Budget, most: most, limit: most}
	if cfg.Portable {
		m.space = &heap{}
	} else {
		m.space = newSpace(int(most), max(keep, 0))
	}
	return m
}

// Allocate implements [experimental.MemoryAllocator] for the one memory of
// one instance. wazero panics if the first size that it asks for is refused:
// a caller calls Reallocate with the module's minimum itself before, and
// looks at the answer.
func (m *Memory) Allocate(_, most uint64) experimental.LinearMemory {
	m.most = min(m.most, int64(min(most, MaxSize)))
	return m
}

// Reallocate makes the memory size bytes long and returns it, with a capacity
// equal to its length. It returns nil, which the guest sees as a memory.grow
// of -1, where size exceeds the limit of the attempt, Most or the budget, is
// smaller than the present one, or not in whole pages. On Linux the memory
// never moves.
func (m *Memory) Reallocate(size uint64) []byte {
	if !m.freed && size == uint64(len(m.bytes)) {
		return m.bytes
	}
	if !m.grow(size) {
		m.refused = true
		return nil
	}
	m.peak = max(m.peak, m.Size())
	return m.bytes
}

func (m *Memory) grow(size uint64) bool {
	if m.freed || size%PageSize != 0 || size < uint64(len(m.bytes)) || size > uint64(min(m.limit, m.most)) {
		return false
	}
	more := int64(size) - m.Size()
	if !m.budget.charge(more) {
		return false
	}
	bytes, err := m.space.resize(int(size), dense)
	if err != nil {
		m.budget.release(more)
		return false
	}
	m.bytes = bytes
	return true
}

// SetLimit starts an attempt: the memory may grow up to limit bytes, Refused
// is false again and Peak the present size. A memory that is larger already
// stays so: compare Size.
func (m *Memory) SetLimit(limit int64) {
	m.limit = max(limit, 0)
	m.refused = false
	m.peak = m.Size()
}

// Size returns the present bytes.
func (m *Memory) Size() int64 { return int64(len(m.bytes)) }

// Peak returns the largest size of this attempt in bytes.
func (m *Memory) Peak() int64 { return m.peak }

// Refused reports whether the guest was refused memory in this attempt. A
// grow past the maximum that the module itself declares never gets here.
func (m *Memory) Refused() bool { return m.refused }

// Free gives the memory and its share of the budget and snapshot back. The
// owner sees to it that the guest no longer runs and that nobody touches what
// Reallocate or api.Memory.Read handed out: such an access ends the process.
// A second Free does nothing.
func (m *Memory) Free() {
	if m.freed {
		return
	}
	m.freed = true
	m.space.free()
	m.budget.release(m.Size())
	m.bytes = nil
	m.unmap()
}
