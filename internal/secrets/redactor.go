package secrets

import (
	"bytes"
	"slices"
	"strings"
)

// Mark replaces what a Redactor takes out.
const Mark = "[redacted]"

// MinRedacted is the fewest bytes that a value must have to be searched. Shorter
// ones are in any text, by chance.
const MinRedacted = 4

// anchor is how much of a longer form must be there for it to be found.
const anchor = 256

// A Redactor finds values in text, in all the forms that [NewRedactor] lists. It
// is safe for concurrent use. It keeps the values.
//
// Its time is linear in the text. Where four bytes begin a form, up to 256 bytes
// of each such form are compared; of a longer form these suffice, and as much
// more of it as follows is found with them, so that one cut off is found too.
type Redactor struct {
	whole *table // values
	lines *table // values, and the lines of those that have several
}

// table finds forms by their first bytes.
type table struct {
	maybe [1 << 10]uint64     // a bit for each hash of a form's first bytes
	forms map[uint32][][]byte // by their first bytes, the longest first
}

// NewRedactor makes a redactor of values. It searches each value of 4 bytes and
// more as it is and in
//
//   - base64, standard and for URLs, with or without padding, also as part of a
//     longer text that is encoded as a whole, where the one or two characters at
//     each end that it shares with its neighbors stay
//   - hexadecimal, in lower or upper case, and so with "%" or "\x" before each byte
//   - escapes of URLs, for queries, for paths and as encodeURIComponent has them,
//     of JSON, once and twice, and of Go's %q
//   - its valid UTF-8 alone, as hosts pass on lines of a log
//
// Of a value of several lines and up to 16 KiB, Redact finds also single lines of
// 16 bytes and more, as they are: a log has it line by line.
func NewRedactor(values [][]byte) *Redactor {
	whole, lines := newTable(), newTable()
	for _, value := range values {
		if len(value) < MinRedacted {
			continue
		}
		for _, form := range formsOf(value) {
			whole.add(form)
			lines.add(form)
		}
		for _, line := range linesOf(value) {
			lines.add(line)
		}
	}
	return &Redactor{whole: whole, lines: lines}
}

func newTable() *table { return &table{forms: map[uint32][][]byte{}} }

// add adds a form, before all that are shorter.
func (t *table) add(form []byte) {
	first := head(form)
	forms := t.forms[first]
	if slices.ContainsFunc(forms, func(have []byte) bool { return bytes.Equal(have, form) }) {
		return
	}
	at := slices.IndexFunc(forms, func(have []byte) bool { return len(have) < len(form) })
	if at < 0 {
		at = len(forms)
	}
	t.forms[first] = slices.Insert(forms, at, form)
	bit := hash(first)
	t.maybe[bit/64] |= 1 << (bit % 64)
}

// head is the first bytes of a form, or of a place in a text.
func head[T string | []byte](text T) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// hash spreads first bytes over the bits of maybe.
func hash(first uint32) uint32 { return first * 0x9E3779B1 >> 16 }

// Contains tells whether a value is in data, in any form.
func (r *Redactor) Contains(data []byte) bool {
	_, end := next(r.whole, data, 0)
	return end > 0
}

// Redact is text with each value, in any form, replaced by Mark. Values that
// overlap become one.
func (r *Redactor) Redact(text string) string {
	start, end := next(r.lines, text, 0)
	if end == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	done := 0
	for end > 0 {
		b.WriteString(text[done:start])
		b.WriteString(Mark)
		done = end
		start, end = next(r.lines, text, done)
	}
	b.WriteString(text[done:])
	return b.String()
}

// next is the first stretch of text at or after from that values make up: one,
// or several that overlap. Without any it is 0, 0.
func next[T string | []byte](t *table, text T, from int) (start, end int) {
	if len(t.forms) == 0 {
		return 0, 0
	}
	for i := from; i+MinRedacted <= len(text) && (end == 0 || i < end); i++ {
		first := head(text[i:])
		if bit := hash(first); t.maybe[bit/64]&(1<<(bit%64)) == 0 {
			continue
		}
		for _, form := range t.forms[first] {
			until := match(text, i, end, form)
			if until == 0 {
				continue
			}
			if end == 0 {
				start = i
			}
			end = max(end, until)
		}
	}
	return start, end
}

// match is where a form ends that begins at i, 0 if it does not begin there. What
// is before end need not be compared beyond the anchor: it goes anyway.
func match[T string | []byte](text T, i, end int, form []byte) int {
	n := min(len(form), anchor)
	if len(text)-i < n || string(text[i:i+n]) != string(form[:n]) {
		return 0
	}
	for n = max(n, min(end-i, len(form))); n < len(form) && i+n < len(text) && text[i+n] == form[n]; {
		n++
	}
	return i + n
}
