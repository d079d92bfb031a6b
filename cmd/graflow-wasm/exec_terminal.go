package main

import (
	"io"
	"unicode/utf8"
)

// printableWriter writes foreign text to a terminal as [printable] has it: code that
// nobody trusts is not to move its cursor, or worse. A character may come in parts.
type printableWriter struct {
	w    io.Writer
	part []byte // the first bytes of a character, at most 3
}

// Write implements io.Writer.
func (p *printableWriter) Write(data []byte) (int, error) {
	text := append(p.part, data...)
	end := len(text)
	for i := 1; i <= min(utf8.UTFMax-1, end); i++ {
		if c := text[end-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(text[end-i:]) {
				end -= i
			}
			break
		}
	}
	p.part = append([]byte(nil), text[end:]...)
	if _, err := io.WriteString(p.w, printable(string(text[:end]))); err != nil {
		return 0, err
	}
	return len(data), nil
}
