package cell

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// Frame is one message.
type Frame struct {
	// Kind is the user's; kinds from KindReserved on are the package's own.
	Kind   byte
	Header []byte
	Data   []byte
	// Files came with the frame; the receiver closes them. Only a cell receives
	// any: what a cell sends to its parent never becomes a descriptor there.
	Files []*os.File
}

// KindReserved is the first kind that is not the user's.
const KindReserved = 0xf0

const (
	kindHello = KindReserved + iota // parent to cell: settings
	kindReady                       // cell to parent: which walls stand
	kindLend                        // to a lender: a directory; from it: the same, mounted
)

// DefaultMaxFrame is the most bytes in a frame: 1 GiB.
const DefaultMaxFrame = 1 << 30

// MaxFiles is how many descriptors one frame may carry.
const MaxFiles = 64

// What goes wrong with a connection.
var (
	// ErrFrame says that the other end broke the protocol: the connection is of no
	// further use.
	ErrFrame = errors.New("not a frame")
	// ErrTooLarge says that a frame exceeds the bound of this end.
	ErrTooLarge = errors.New("frame too large")
)

// A frame begins with its kind, the number of its files, two bytes that are zero,
// and the lengths of header (4 bytes) and data (8 bytes), big endian.
const prefixSize = 16

type prefix struct {
	kind         byte
	files        int
	header, data uint64
}

func (p prefix) put(b []byte) {
	b[0], b[1], b[2], b[3] = p.kind, byte(p.files), 0, 0
	binary.BigEndian.PutUint32(b[4:], uint32(p.header))
	binary.BigEndian.PutUint64(b[8:], p.data)
}

// parsePrefix checks the lengths against the bound.
func parsePrefix(b []byte, most uint64) (prefix, error) {
	p := prefix{
		kind: b[0], files: int(b[1]),
		header: uint64(binary.BigEndian.Uint32(b[4:])), data: binary.BigEndian.Uint64(b[8:]),
	}
	if b[2] != 0 || b[3] != 0 || p.files > MaxFiles {
		return p, fmt.Errorf("%w: it begins with % x", ErrFrame, b[:prefixSize])
	}
	if p.header > most || p.data > most-p.header {
		return p, fmt.Errorf("%w: header of %d and data of %d bytes, at most %d", ErrTooLarge, p.header, p.data, most)
	}
	return p, nil
}
