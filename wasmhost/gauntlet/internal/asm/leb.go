package asm

import "slices"

// U32 is the shortest unsigned LEB128 encoding of a number.
func U32[N ~int | ~uint32 | ~uint64](n N) []byte {
	var out []byte
	for v := uint64(n); ; {
		b := byte(v & 0x7f)
		if v >>= 7; v == 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// Padded is an unsigned LEB128 number stretched to width bytes: legal up to the
// bytes that its type needs at most, overlong beyond.
func Padded(n uint64, width int) []byte {
	out := make([]byte, width)
	for i := range out {
		out[i] = byte(n&0x7f) | 0x80
		n >>= 7
	}
	out[width-1] &= 0x7f
	return out
}

// S64 is the shortest signed LEB128 encoding of a number.
func S64(v int64) []byte {
	var out []byte
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}

// Name is a vector of the bytes of a string.
func Name(s string) []byte { return append(U32(len(s)), s...) }

// Vec is a vector: the count of the items, and the items.
func Vec(items ...[]byte) []byte {
	return append(U32(len(items)), slices.Concat(items...)...)
}

// Sized is a sequence of bytes with its length in front.
func Sized(b []byte) []byte { return append(U32(len(b)), b...) }
