package term

import (
	"io"
	"os"

	xterm "github.com/charmbracelet/x/term"
)

// Config says how to show things. The zero value looks at the stream and the
// environment.
type Config struct {
	NoColor bool // whatever else says
	// Env reads the environment; nil: os.Getenv.
	Env func(string) string
	// Size makes the stream a terminal of that size; nil: it is asked whether it is one.
	Size func() (width, height int)
}

// Output is a stream, and what it can show. It is safe for concurrent use as far as
// the stream is.
type Output struct {
	io.Writer

	size  func() (width, height int) // nil: no terminal
	color bool
	dumb  bool
}

// New makes an Output of a stream.
//
// There is color on a terminal, unless Config.NoColor, a NO_COLOR that is not empty
// (no-color.org), CLICOLOR=0 or TERM=dumb; CLICOLOR_FORCE, if it is neither empty nor
// 0, has it everywhere, but goes before neither Config.NoColor nor NO_COLOR.
func New(w io.Writer, c Config) *Output {
	env := c.Env
	if env == nil {
		env = os.Getenv
	}
	o := &Output{Writer: w, size: c.Size, dumb: env("TERM") == "dumb"}
	if f, ok := w.(*os.File); ok && o.size == nil && xterm.IsTerminal(f.Fd()) {
		o.size = func() (int, int) { return sizeOf(f) }
	}
	force := env("CLICOLOR_FORCE")
	switch {
	case c.NoColor || env("NO_COLOR") != "":
	case force != "" && force != "0":
		o.color = true
	default:
		o.color = o.Moves() && env("CLICOLOR") != "0"
	}
	return o
}

// Default size of a terminal that does not tell its own.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

func sizeOf(f *os.File) (width, height int) {
	width, height, err := xterm.GetSize(f.Fd())
	if err != nil || width <= 0 || height <= 0 {
		return defaultWidth, defaultHeight
	}
	return width, height
}

// Terminal tells whether the stream is a terminal.
func (o *Output) Terminal() bool { return o.size != nil }

// Moves tells whether the stream is a terminal on which what is drawn can be drawn anew:
// one of TERM=dumb can't.
func (o *Output) Moves() bool { return o.Terminal() && !o.dumb }

// Color tells whether there is color.
func (o *Output) Color() bool { return o.color }

// Size is that of the terminal now, in columns and lines; 0 and 0 is none: nothing is
// to be cut.
func (o *Output) Size() (width, height int) {
	if o.size == nil {
		return 0, 0
	}
	return o.size()
}

// Paint gives a text a look, if there is color. What is foreign in the text has been
// made printable before, and the text has no other looks in it.
func (o *Output) Paint(look Look, text string) string {
	if !o.color || look == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(look) + "m" + text + "\x1b[0m"
}

// Status is the mark of a status with a text in its look; on what is no terminal the
// text alone.
func (o *Output) Status(status, text string) string {
	s := StatusOf(status)
	if o.Terminal() {
		text = s.Mark + " " + text
	}
	return o.Paint(s.Look, text)
}
