package wasmbin

import (
	"fmt"
	"unicode/utf8"
)

// reader reads numbers and names from one section or body. The first failure
// sticks; what is read after it is zero, and nothing is left.
type reader struct {
	data    []byte
	pos     int
	base    int64 // offset of data in the module
	section string
	err     error
}

func (r *reader) fail(format string, args ...any) {
	r.failAt(r.pos, format, args...)
}

func (r *reader) failAt(pos int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: r.base + int64(pos), Section: r.section, Reason: fmt.Sprintf(format, args...)}
	}
	r.pos = len(r.data)
}

func (r *reader) left() int { return len(r.data) - r.pos }

func (r *reader) offset() int64 { return r.base + int64(r.pos) }

func (r *reader) byte() byte {
	if r.pos >= len(r.data) {
		r.fail("truncated: unexpected end")
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) take(n int) []byte {
	if n > r.left() {
		r.fail("truncated: %d bytes expected, %d left", n, r.left())
		return nil
	}
	b := r.data[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// u32 reads an unsigned LEB128 number of 32 bits.
func (r *reader) u32() uint32 {
	if r.pos < len(r.data) && r.data[r.pos] < 0x80 {
		r.pos++
		return uint32(r.data[r.pos-1])
	}
	start, v := r.pos, uint32(0)
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.failAt(start, "an unsigned 32-bit number with a longer or larger encoding than 32 bits have")
	return 0
}

// signed reads a signed LEB128 number of 32, 33 or 64 bits.
func (r *reader) signed(bits uint) int64 {
	start, v := r.pos, int64(0)
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if rest := bits - shift; rest < 7 && !signFills(b, rest) {
			break
		}
		v |= int64(b&0x7f) << shift
		if b < 0x80 {
			if shift+7 < 64 && b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.failAt(start, "a signed %d-bit number with a longer or larger encoding than %d bits have", bits, bits)
	return 0
}

// signFills reports whether the last byte of a number of which rest bits are
// left carries nothing but those and copies of the sign.
func signFills(b byte, rest uint) bool {
	if b >= 0x80 {
		return false
	}
	high := b >> (rest - 1)
	return high == 0 || high == 0x7f>>(rest-1)
}

// count reads the length of a vector whose items take a byte or more each.
func (r *reader) count(what string, limit int) int {
	start, n := r.pos, r.u32()
	if int64(n) > int64(r.left()) {
		r.failAt(start, "truncated: %d %s announced, %d bytes left", n, what, r.left())
		return 0
	}
	if int64(n) > int64(limit) {
		r.failAt(start, "%d %s: at most %d are allowed", n, what, limit)
		return 0
	}
	return int(n)
}

func (r *reader) name(what string) string {
	start, n := r.pos, r.u32()
	if int64(n) > int64(r.left()) {
		r.failAt(start, "truncated: %s of %d bytes, %d left", what, n, r.left())
		return ""
	}
	b := r.take(int(n))
	if !utf8.Valid(b) {
		r.failAt(start, "%s is not valid UTF-8: %q", what, b[:min(len(b), 64)])
		return ""
	}
	return string(b)
}

func (r *reader) valueType() ValueType {
	b := r.byte()
	switch t := ValueType(b); t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	}
	if r.err == nil {
		r.failAt(r.pos-1, "%s", refusedType(b))
	}
	return I32
}

func (r *reader) refType() ValueType {
	start, t := r.pos, r.valueType()
	if r.err == nil && !t.IsRef() {
		r.failAt(start, "%v is no reference type", t)
	}
	return t
}
