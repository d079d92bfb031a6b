package wasip1

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

var le = binary.LittleEndian

// maxPath bounds a path in bytes, as given and as resolved (PATH_MAX).
const maxPath = 4096

// guest is one call's arguments and the memory they point into.
type guest struct {
	memory []byte
	args   []uint64
}

// u32 is an i32 argument; wazero leaves the upper half undefined.
func (g guest) u32(i int) uint32 { return uint32(g.args[i]) }

// view is the one place where pointers are checked. Offset and length are at
// most 32 bits wide in 64, so that the sum can't wrap. The bytes are the
// guest's own and hold until the call returns.
func (g guest) view(offset uint32, length uint64) ([]byte, guestfs.Errno) {
	start, size := uint64(offset), uint64(len(g.memory))
	if length > size || start > size-length {
		return nil, guestfs.EFAULT
	}
	return g.memory[start : start+length : start+length], guestfs.OK
}

// record is the length bytes that argument i points to.
func (g guest) record(i int, length uint64) ([]byte, guestfs.Errno) {
	return g.view(g.u32(i), length)
}

// buffer is the bytes that arguments i (offset) and i+1 (length) name.
func (g guest) buffer(i int) ([]byte, guestfs.Errno) {
	return g.view(g.u32(i), uint64(g.u32(i+1)))
}

// path is a copy of the path that arguments i and i+1 name.
func (g guest) path(i int) (string, guestfs.Errno) {
	if g.u32(i+1) > maxPath {
		return "", guestfs.ENAMETOOLONG
	}
	b, errno := g.buffer(i)
	switch {
	case errno != guestfs.OK:
		return "", errno
	case !utf8.Valid(b):
		return "", guestfs.EILSEQ
	case bytes.IndexByte(b, 0) >= 0:
		return "", guestfs.EINVAL
	}
	return string(b), guestfs.OK
}

// two views the u32s that arguments i and i+1 point to.
func (g guest) two(i int) (first, second []byte, errno guestfs.Errno) {
	if first, errno = g.record(i, 4); errno != guestfs.OK {
		return nil, nil, errno
	}
	second, errno = g.record(i+1, 4)
	return first, second, errno
}
