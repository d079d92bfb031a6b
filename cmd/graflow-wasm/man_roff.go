package main

import (
	"fmt"
	"regexp"
	"strings"
)

// roff writes a manual page in the macros of man(7).
type roff struct{ b strings.Builder }

// String is all that was written.
func (r *roff) String() string { return r.b.String() }

// macro writes a macro with its arguments.
func (r *roff) macro(name string, arguments ...string) {
	r.b.WriteString("." + name)
	for _, text := range arguments {
		r.b.WriteString(` "` + escapeRoff(text) + `"`)
	}
	r.b.WriteString("\n")
}

func (r *roff) section(title string) { r.macro("SH", title) }

var marked = regexp.MustCompile("\\*\\*[^*]+\\*\\*|__[^_]+__|`[^`]+`")

// line writes text that is filled: **bold**, `bold` and __italic__.
func (r *roff) line(text string) {
	var b strings.Builder
	at := 0
	for _, m := range marked.FindAllStringIndex(text, -1) {
		b.WriteString(escapeRoff(text[at:m[0]]))
		font, inner := `\fB`, strings.Trim(text[m[0]:m[1]], "*`")
		if strings.HasPrefix(text[m[0]:], "__") {
			font, inner = `\fI`, text[m[0]+2:m[1]-2]
		}
		b.WriteString(font + escapeRoff(inner) + `\fR`)
		at = m[1]
	}
	b.WriteString(escapeRoff(text[at:]))
	r.b.WriteString(guarded(strings.TrimSpace(b.String())) + "\n")
}

// guarded keeps a line from being a request.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// block writes lines as they are.
func (r *roff) block(lines []string) {
	r.b.WriteString(".RS 4\n.nf\n")
	for _, text := range lines {
		text = escapeRoff(strings.ReplaceAll(text, "\t", "        "))
		if text == "" {
			r.b.WriteString("\\&\n") // an empty line is a fault there
			continue
		}
		r.b.WriteString(guarded(text) + "\n")
	}
	r.b.WriteString(".fi\n.RE\n")
}

// prose writes paragraphs; lines that are indented, and what is between them, stay as
// they are.
func (r *roff) prose(text string) {
	for i, paragraph := range paragraphs(text) {
		if i > 0 {
			r.macro("PP")
		}
		if strings.HasPrefix(paragraph[0], "  ") {
			r.block(paragraph)
			continue
		}
		for _, line := range paragraph {
			r.line(line)
		}
	}
}

// paragraphs parts text at empty lines, and where indented lines begin and end.
func paragraphs(text string) [][]string {
	var all [][]string
	var lines []string
	end := func() {
		if len(lines) > 0 {
			all = append(all, lines)
		}
		lines = nil
	}
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		indented := strings.HasPrefix(line, "  ")
		if line == "" || len(lines) > 0 && indented != strings.HasPrefix(lines[0], "  ") {
			end()
		}
		if line != "" {
			lines = append(lines, line)
		}
	}
	end()
	return all
}

// reference is another page.
type reference struct {
	name    string
	section int
}

func (r *roff) references(all ...reference) {
	for i, one := range all {
		after := ","
		if i == len(all)-1 {
			after = ""
		}
		fmt.Fprintf(&r.b, ".BR %s (%d)%s\n", escapeRoff(one.name), one.section, after)
	}
}

// roffSpecial are characters that roff takes for something else, or that typesetters make
// prettier than a shell likes.
var roffSpecial = map[rune]string{
	'\\': `\e`, '-': `\-`, '~': `\(ti`, '^': `\(ha`, '`': `\(ga`, '\'': `\(aq`, '"': `\(dq`,
}

func escapeRoff(text string) string {
	var b strings.Builder
	for _, c := range text {
		special, ok := roffSpecial[c]
		switch {
		case ok:
			b.WriteString(special)
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
