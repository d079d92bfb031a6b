package wasmhost

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"
)

// maxPayload bounds what one host call may pass, in bytes.
const maxPayload = 64 << 20

// guest is one call's arguments and the memory they point into.
type guest struct {
	mem  api.Memory // nil if the module has none
	args []uint64
}

// view is the one place where guest pointers are checked: the bytes that
// arguments i (offset) and i+1 (length) name, valid until the call returns.
// All arithmetic is done in 64 bits, so that nothing wraps.
func (g guest) view(i int, most uint64) ([]byte, bool) {
	offset, length := uint64(uint32(g.args[i])), uint64(uint32(g.args[i+1]))
	if length > most {
		return nil, false
	}
	if length == 0 {
		return nil, true
	}
	if g.mem == nil || offset+length > uint64(g.mem.Size()) {
		return nil, false
	}
	return g.mem.Read(uint32(offset), uint32(length))
}

// text is a copy of the first argument, a string that must be UTF-8.
func (g guest) text() (string, bool) {
	b, ok := g.view(0, maxPayload)
	return string(b), ok && utf8.Valid(b)
}

// lenient is a copy of a string for people's eyes, made UTF-8.
func (g guest) lenient(i int, most uint64) (string, bool) {
	b, ok := g.view(i, most)
	return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))), ok
}

// json is a copy of a JSON argument; nil if it is empty.
func (g guest) json(i int) (json.RawMessage, bool) {
	b, ok := g.view(i, maxPayload)
	if !ok || len(b) == 0 {
		return nil, ok
	}
	return bytes.Clone(b), utf8.Valid(b) && json.Valid(b)
}

// put copies the beginning of data into the guest's buffer (arguments i, i+1)
// and answers how much it was, or false for a bad pointer.
func (g guest) put(i int, data []byte) (int64, bool) {
	args := []uint64{g.args[i], min(uint64(uint32(g.args[i+1])), uint64(len(data)))}
	to, ok := guest{mem: g.mem, args: args}.view(0, 1<<32)
	return int64(copy(to, data)), ok
}
