package wasip1

import "github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"

const (
	// maxIovecs bounds the vectors of one call (IOV_MAX).
	maxIovecs = 1024
	// maxTransfer bounds what one call reads or writes, in bytes; the rest is a
	// short count, which callers must expect anyway. It keeps a call brief.
	maxTransfer = 16 << 20
	iovecBytes  = 8
)

// iovecs is a checked list of buffers in the guest's memory.
type iovecs struct {
	g    guest
	list []byte
}

// iovecs takes the list that arguments i (offset) and i+1 (count) name; every
// buffer lies in memory.
func (g guest) iovecs(i int) (iovecs, guestfs.Errno) {
	count := g.u32(i + 1)
	if count > maxIovecs {
		return iovecs{}, guestfs.EINVAL
	}
	list, errno := g.view(g.u32(i), uint64(count)*iovecBytes)
	v := iovecs{g: g, list: list}
	for n := 0; errno == guestfs.OK && n < v.count(); n++ {
		_, errno = v.at(n)
	}
	return v, errno
}

func (v iovecs) count() int { return len(v.list) / iovecBytes }

// at checks again: reading into one buffer may have overwritten the list.
func (v iovecs) at(n int) ([]byte, guestfs.Errno) {
	item := v.list[n*iovecBytes:]
	return v.g.view(le.Uint32(item), uint64(le.Uint32(item[4:])))
}

// each hands the buffers over in turn until one is not used up, and answers
// with the total. An error counts only if nothing was moved before it.
func (v iovecs) each(move func([]byte) (int, guestfs.Errno)) (int, guestfs.Errno) {
	total := 0
	for n := range v.count() {
		b, errno := v.at(n)
		moved := 0
		if errno == guestfs.OK {
			b = b[:min(len(b), maxTransfer-total)]
			moved, errno = move(b)
			total += moved
		}
		if errno != guestfs.OK && total == 0 {
			return 0, errno
		}
		if errno != guestfs.OK || moved < len(b) || total == maxTransfer {
			break
		}
	}
	return total, guestfs.OK
}
