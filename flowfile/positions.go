package flowfile

import (
	"strings"
	"unicode/utf8"
)

// pos is a place in the source: line and column from 1, column in characters.
type pos struct{ line, col int }

// Position returns the line and column, from 1, of what is at a path of the
// spec, as tasks.fetch.retry or edges[2].to. What has no place of its own gets
// that of what holds it.
func (f *File) Position(at string) (line, col int) {
	p := f.place(at)
	return p.line, p.col
}

func (f *File) place(at string) pos {
	for at != "" {
		if p, ok := f.places[at]; ok {
			return p
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	if p, ok := f.places[""]; ok {
		return p
	}
	return pos{1, 1}
}

// fault makes the error at p.
func (f *File) fault(p pos, message string) *Error {
	return &Error{File: f.Name, Line: p.line, Column: p.col, Message: message, Snippet: f.snippet(p)}
}

// A longer line is shown in part.
const snippetWidth = 120

func (f *File) snippet(p pos) string {
	if p.line < 1 || p.line > len(f.lines) {
		return ""
	}
	line := []rune(strings.TrimRight(f.lines[p.line-1], "\r\n"))
	at := max(0, min(p.col-1, len(line)))
	if len(line) > snippetWidth {
		from := max(0, min(at-snippetWidth/2, len(line)-snippetWidth))
		line, at = line[from:from+snippetWidth], at-from
	}
	var caret strings.Builder
	for _, r := range line[:min(at, len(line))] {
		if r == '\t' {
			caret.WriteByte('\t')
		} else {
			caret.WriteByte(' ')
		}
	}
	if strings.TrimSpace(string(line)) == "" {
		return ""
	}
	return "    " + string(line) + "\n    " + caret.String() + "^"
}

// textPlaces returns where the byte offsets of the text of n are in the source.
func (f *File) textPlaces(n *node) func(offset int) pos {
	switch {
	case n.block == '|':
		return f.literalPlaces(n)
	case n.at.line <= len(f.lines):
		line, col := f.lines[n.at.line-1], n.at.col
		if n.quoted {
			col++
		}
		rest := skipRunes(line, col-1)
		if strings.HasPrefix(rest, n.text) {
			return func(offset int) pos {
				return pos{n.at.line, col + utf8.RuneCountInString(n.text[:offset])}
			}
		}
	}
	// Folded or escaped: offsets do not tell where the text was written.
	return func(int) pos { return n.at }
}

// literalPlaces maps a literal block: each line of its text is one line of the
// source, without the indentation.
func (f *File) literalPlaces(n *node) func(int) pos {
	return func(offset int) pos {
		before := n.text[:offset]
		number := n.at.line + 1 + strings.Count(before, "\n")
		start := strings.LastIndexByte(before, '\n') + 1
		text, _, _ := strings.Cut(n.text[start:], "\n")
		if number > len(f.lines) {
			return n.at
		}
		source := strings.TrimRight(f.lines[number-1], "\r\n")
		indent := max(0, len(source)-len(text))
		return pos{number, indent + utf8.RuneCountInString(before[start:]) + 1}
	}
}

func skipRunes(s string, n int) string {
	for ; n > 0 && s != ""; n-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	return s
}
