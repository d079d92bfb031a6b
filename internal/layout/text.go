package layout

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sizes of text, in pixels.
const (
	labelSize = 12.0 // of tasks
	smallSize = 10.0 // of groups, conditions and marks
)

// ascii has the widths of DejaVu Sans from ' ' to '~', in thousandths of the size. Of
// the fonts that a drawing names it is the widest, so that what fits with it fits.
var ascii = [...]int{
	318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
	636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
	1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
	603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
	500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
	635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
}

// widthOf is no less than the width of text in the fonts of a drawing.
func widthOf(text string, size float64) float64 {
	sum := 0
	for _, r := range text {
		sum += advance(r)
	}
	return float64(sum) * size / 1000
}

func advance(r rune) int {
	switch {
	case r >= ' ' && r <= '~':
		return ascii[r-' ']
	case unicode.Is(unicode.Mn, r):
		return 0
	case r < 0x250:
		return 850
	case r == '…':
		return 1000
	}
	return 1450 // wide scripts, symbols and pictures
}

// fitted shortens text to a width, and tells that which it has.
func fitted(text string, size, most float64) (string, float64) {
	text = oneLine(text)
	if w := widthOf(text, size); w <= most {
		return text, w
	}
	room, end := most-widthOf("…", size), 0
	used := 0.0
	for i, r := range text {
		used += float64(advance(r)) * size / 1000
		if used > room {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	text = strings.TrimRight(text[:end], " ") + "…"
	return text, widthOf(text, size)
}

// oneLine is text without what can't be seen, or that would change how the text after
// it is read: control characters, line ends, overrides of direction.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}
