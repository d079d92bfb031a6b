package termtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Screen is what a terminal shows. Characters of two columns count as one. It is not
// safe for concurrent use.
type Screen struct {
	Width, Height int
	Alternate     bool // what is shown is the other screen
	Hidden        bool // the cursor is
	NoWrap        bool
	Wrapped       int      // lines that were too long, so far
	Styled        bool     // a color or another look was sent
	Faults        []string // sequences that are not known

	cells [][]rune
	kept  [][]rune // the first screen while the other is shown
	x, y  int
	part  []byte // of a sequence or a character
}

// NewScreen makes a blank one.
func NewScreen(width, height int) *Screen {
	s := &Screen{Width: width, Height: height}
	s.cells = blank(width, height)
	return s
}

func blank(width, height int) [][]rune {
	lines := make([][]rune, height)
	for i := range lines {
		lines[i] = []rune(strings.Repeat(" ", width))
	}
	return lines
}

// Resize makes the screen another size, blank where it grows.
func (s *Screen) Resize(width, height int) {
	old := s.cells
	s.Width, s.Height, s.cells = width, height, blank(width, height)
	for i := range min(len(old), height) {
		copy(s.cells[i], old[i])
	}
	s.x, s.y = min(s.x, width-1), min(s.y, height-1)
}

// Lines are what is shown, without blanks at the ends of lines.
func (s *Screen) Lines() []string {
	lines := make([]string, len(s.cells))
	for i, cells := range s.cells {
		lines[i] = strings.TrimRight(string(cells), " ")
	}
	return lines
}

// Text is what is shown, without empty lines at its end.
func (s *Screen) Text() string { return strings.TrimRight(strings.Join(s.Lines(), "\n"), "\n") }

// Write implements io.Writer: a terminal takes data.
func (s *Screen) Write(data []byte) (int, error) {
	rest := slices.Concat(s.part, data)
	for len(rest) > 0 {
		n := s.take(rest)
		if n == 0 {
			break
		}
		rest = rest[n:]
	}
	s.part = slices.Clone(rest)
	return len(data), nil
}

// take takes one character or sequence, and tells how long it is; 0 is not whole yet.
func (s *Screen) take(data []byte) int {
	switch c := data[0]; c {
	case '\r':
		s.x = 0
	case '\n':
		s.newline()
	case '\a':
	case '\b':
		s.x = max(0, s.x-1)
	case '\t':
		s.x = min(s.Width-1, s.x/8*8+8)
	case 0x1b:
		return s.escape(data)
	default:
		if !utf8.FullRune(data) {
			return 0
		}
		r, n := utf8.DecodeRune(data)
		if c < ' ' || c == 0x7f || r == utf8.RuneError {
			s.Faults = append(s.Faults, fmt.Sprintf("control character %q", data[:n]))
			return n
		}
		s.put(r)
		return n
	}
	return 1
}

func (s *Screen) put(r rune) {
	if s.x == s.Width {
		if s.NoWrap {
			s.x--
		} else {
			s.Wrapped++
			s.x = 0
			s.newline()
		}
	}
	s.cells[s.y][s.x] = r
	s.x++
}

func (s *Screen) newline() {
	if s.y++; s.y == s.Height {
		s.cells = append(s.cells[1:], blank(s.Width, 1)...)
		s.y--
	}
}

func (s *Screen) escape(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	if data[1] != '[' {
		s.Faults = append(s.Faults, fmt.Sprintf("sequence %q", data[:2]))
		return 2
	}
	end := slices.IndexFunc(data[2:], func(b byte) bool { return b >= 0x40 && b <= 0x7e })
	if end < 0 {
		return 0
	}
	end += 3
	s.sequence(string(data[2:end-1]), data[end-1])
	return end
}

func (s *Screen) sequence(parameters string, final byte) {
	n, err := strconv.Atoi(parameters)
	if err != nil {
		n = 1
	}
	switch {
	case final == 'm':
		s.Styled = s.Styled || parameters != "0" && parameters != ""
	case final == 'A':
		s.y = max(0, s.y-n)
	case final == 'H' && parameters == "":
		s.x, s.y = 0, 0
	case final == 'K' && parameters == "":
		s.clear(s.y, s.x)
	case final == 'J' && parameters == "":
		s.clear(s.y, s.x)
		for y := s.y + 1; y < s.Height; y++ {
			s.clear(y, 0)
		}
	case final == 'h' || final == 'l':
		s.mode(parameters, final == 'h')
	default:
		s.Faults = append(s.Faults, fmt.Sprintf("sequence %q", parameters+string(final)))
	}
}

func (s *Screen) clear(y, from int) {
	for x := from; x < s.Width; x++ {
		s.cells[y][x] = ' '
	}
}

func (s *Screen) mode(name string, on bool) {
	switch name {
	case "?1049":
		if on && !s.Alternate {
			s.kept, s.cells = s.cells, blank(s.Width, s.Height)
		}
		if !on && s.Alternate {
			s.cells = blank(s.Width, s.Height)
			for i := range min(len(s.kept), s.Height) {
				copy(s.cells[i], s.kept[i])
			}
		}
		s.Alternate = on
	case "?25":
		s.Hidden = !on
	case "?7":
		s.NoWrap = !on
	case "?2026":
	default:
		s.Faults = append(s.Faults, "mode "+name)
	}
}
