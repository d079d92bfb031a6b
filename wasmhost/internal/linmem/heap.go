package linmem

// heap keeps a memory in Go's heap: the portable space. Its memory may move
// when it grows, and when it shrinks. A reset copies all of the snapshot.
type heap struct {
	buf []byte // its length is the size; what follows up to its capacity is zero
}

var _ space = (*heap)(nil)

func (h *heap) resize(size int, _ growth) ([]byte, error) {
	if size > cap(h.buf) {
		// Half as much again, so that growing page by page stays linear.
		grown := make([]byte, size, max(size, min(cap(h.buf)/2*3, int(maxSize))))
		copy(grown, h.buf)
		h.buf = grown
	}
	h.buf = h.buf[:size]
	return h.bytes(), nil
}

func (h *heap) attach(s *Snapshot) ([]byte, error) {
	bytes, _, err := h.restore(s)
	return bytes, err
}

func (h *heap) restore(s *Snapshot) ([]byte, int, error) {
	size := len(s.data)
	if size > cap(h.buf) || cap(h.buf) > 2*size {
		h.buf = make([]byte, size) // the larger one goes to the collector
	}
	if len(h.buf) > size {
		clear(h.buf[size:])
	}
	h.buf = h.buf[:size]
	pages := size / systemPage
	s.restorePages(h.buf, 0, pages)
	return h.bytes(), pages, nil
}

// changed lists all pages: nothing tells.
func (h *heap) changed(*Snapshot) []pageRun {
	return []pageRun{{0, len(h.buf) / systemPage}}
}

// bytes hides the room for growth: wazero takes a capacity for usable.
func (h *heap) bytes() []byte {
	if h.buf == nil {
		h.buf = []byte{}
	}
	return h.buf[:len(h.buf):len(h.buf)]
}

func (h *heap) free() { h.buf = nil }
