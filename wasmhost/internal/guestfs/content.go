package guestfs

import (
	"math/bits"
	"slices"
)

// Content of a file in memory is kept in chunks, so that growth copies little
// and holes cost nothing.
const (
	chunkBytes    = 64 << 10
	minChunkBytes = 512

	// maxFileBytes bounds the table of a file's chunks, whatever the quota.
	maxFileBytes = 64 << 30
)

// content is the bytes of a file in memory. What it holds is at most twice its
// size and one small chunk: less than what its owner is charged.
type content struct {
	size int64
	// chunks[i] begins at i*chunkBytes; what lies between its length and the
	// next chunk is zeros. Its capacity beyond its length is zeros too.
	chunks [][]byte
	// lent[i] tells that chunks[i] is somebody else's memory, not to be changed.
	lent []bool
}

// lend makes all of b the content of an empty file, without a copy.
func (c *content) lend(b []byte) {
	for part := range slices.Chunk(b, chunkBytes) { // without capacity beyond the part
		c.chunks, c.lent = append(c.chunks, part), append(c.lent, true)
	}
	c.size = int64(len(b))
}

// own makes a chunk at least n long, and the file's own.
func (c *content) own(i int64, n int) []byte {
	if i >= int64(len(c.lent)) || !c.lent[i] {
		return extend(c.chunks[i], n)
	}
	c.lent[i] = false
	given := c.chunks[i]
	own := extend(nil, max(n, len(given)))
	copy(own, given)
	return own
}

func (c *content) readAt(p []byte, offset int64) int {
	if offset >= c.size {
		return 0
	}
	p = p[:min(int64(len(p)), c.size-offset)]
	for done := 0; done < len(p); {
		i, at := split(offset + int64(done))
		part := p[done:min(len(p), done+chunkBytes-at)]
		n := 0
		if i < int64(len(c.chunks)) && at < len(c.chunks[i]) {
			n = copy(part, c.chunks[i][at:])
		}
		clear(part[n:])
		done += len(part)
	}
	return len(p)
}

func (c *content) writeAt(p []byte, offset int64) {
	end := offset + int64(len(p))
	last, _ := split(end - 1)
	if missing := last + 1 - int64(len(c.chunks)); missing > 0 {
		c.chunks = append(c.chunks, make([][]byte, missing)...)
	}
	for done := 0; done < len(p); {
		i, at := split(offset + int64(done))
		n := min(len(p)-done, chunkBytes-at)
		c.chunks[i] = c.own(i, at+n)
		copy(c.chunks[i][at:], p[done:done+n])
		done += n
	}
	c.size = max(c.size, end)
}

func (c *content) truncate(size int64) {
	defer func() { c.size = size }()
	i, at := split(size)
	if size >= c.size || i >= int64(len(c.chunks)) {
		return
	}
	keep := c.chunks[i][:min(at, len(c.chunks[i]))]
	clear(c.chunks[i:])
	c.chunks = c.chunks[:i]
	c.lent = c.lent[:min(i, int64(len(c.lent)))]
	if cap(c.chunks) > 2*len(c.chunks)+1 {
		c.chunks = append([][]byte(nil), c.chunks...) // the table shrinks too
	}
	if len(keep) > 0 {
		c.chunks = append(c.chunks, append(extend(nil, len(keep))[:0], keep...))
	}
}

// split says in which chunk an offset is, and where there.
func split(offset int64) (chunk int64, at int) {
	return offset / chunkBytes, int(offset % chunkBytes)
}

// extend makes a chunk at least n long, by powers of two.
func extend(chunk []byte, n int) []byte {
	if n <= len(chunk) {
		return chunk
	}
	if n <= cap(chunk) {
		return chunk[:n]
	}
	room := max(minChunkBytes, 1<<bits.Len(uint(n-1)))
	grown := make([]byte, n, min(room, chunkBytes))
	copy(grown, chunk)
	return grown
}
