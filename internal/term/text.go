package term

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Printable makes foreign text safe for a terminal: control characters, and those that
// can't be seen, become "\x1b" and the like. Tabs and newlines stay.
func Printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n':
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// OneLine is Printable text with its lines joined.
func OneLine(text string) string {
	return strings.Join(strings.Fields(Printable(text)), " ")
}

// Width is how many columns a text of one line takes.
func Width(text string) int { return ansi.StringWidth(text) }

// Cut shortens a text to width columns, the last of them … then, and leaves no
// character in parts. A width below 1 leaves the text as it is.
func Cut(text string, width int) string {
	if width < 1 || len(text) <= width { // no byte is wider than a column
		return text
	}
	return ansi.Truncate(text, width, "…")
}

// pad fills a text up to width columns.
func pad(text string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-Width(text)))
	if right {
		return fill + text
	}
	return text + fill
}
