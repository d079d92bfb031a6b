package term

import "unicode/utf8"

// Key is a key that was pressed: a printable character, or one of the names.
type Key string

// Keys that have names.
const (
	KeyUp       Key = "up"
	KeyDown     Key = "down"
	KeyLeft     Key = "left"
	KeyRight    Key = "right"
	KeyPageUp   Key = "page up"
	KeyPageDown Key = "page down"
	KeyHome     Key = "home"
	KeyEnd      Key = "end"
	KeyTab      Key = "tab"
	KeyBackTab  Key = "back tab"
	KeyEnter    Key = "enter"
	KeyEscape   Key = "escape"
	KeyCtrlC    Key = "ctrl+c"
	KeyCtrlD    Key = "ctrl+d"
	KeyCtrlL    Key = "ctrl+l"
	KeyCtrlZ    Key = "ctrl+z"
)

var controls = map[byte]Key{
	3: KeyCtrlC, 4: KeyCtrlD, 9: KeyTab, 10: KeyEnter, 12: KeyCtrlL, 13: KeyEnter, 26: KeyCtrlZ, 27: KeyEscape,
}

// sequences are what follows ESC [ or ESC O.
var sequences = map[string]Key{
	"A": KeyUp, "B": KeyDown, "C": KeyRight, "D": KeyLeft, "H": KeyHome, "F": KeyEnd, "Z": KeyBackTab,
	"1~": KeyHome, "4~": KeyEnd, "5~": KeyPageUp, "6~": KeyPageDown, "7~": KeyHome, "8~": KeyEnd,
}

// decode reads the first key of what a terminal has sent, and how many bytes it takes.
// The key is "" if it is none that is known. What is read at once is whole: keys are
// not cut in two.
func decode(data []byte) (key Key, n int) {
	if len(data) > 2 && data[0] == 27 && (data[1] == '[' || data[1] == 'O') {
		end := 2
		for end < len(data)-1 && (data[end] < 0x40 || data[end] > 0x7e) {
			end++
		}
		return sequences[string(data[2:end+1])], end + 1
	}
	if len(data) > 1 && data[0] == 27 && data[1] >= ' ' { // Alt and a key
		return "", 2
	}
	if data[0] < ' ' || data[0] == 127 {
		return controls[data[0]], 1
	}
	r, n := utf8.DecodeRune(data)
	if r == utf8.RuneError {
		return "", n
	}
	return Key(data[:n]), n
}
