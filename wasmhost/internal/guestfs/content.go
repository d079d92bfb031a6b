package guestfs

import "math/bits"

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
		c.chunks[i] = extend(c.chunks[i], at+n)
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
