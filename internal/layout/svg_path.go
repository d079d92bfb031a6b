package layout

import (
	"math"
	"strconv"
	"strings"
)

// head is the path of the tip.
func (e Edge) head() string {
	const long, wide = 7.0, 3.2
	tip := e.Path[len(e.Path)-1]
	before := tip
	for i := len(e.Path) - 2; i >= 0 && before == tip; i-- {
		before = e.Path[i]
	}
	dx, dy := tip.X-before.X, tip.Y-before.Y
	length := math.Hypot(dx, dy)
	if length == 0 {
		dx, length = 1, 1
	}
	dx, dy = dx/length, dy/length
	x, y := tip.X-long*dx, tip.Y-long*dy
	return "M" + pair(tip) + "L" + pair(Point{x - wide*dy, y + wide*dx}) + " " + pair(Point{x + wide*dy, y - wide*dx}) + "Z"
}

// curve is a spline as a path.
func curve(path []Point) string {
	var b strings.Builder
	b.WriteString("M" + pair(path[0]))
	for i := 1; i+2 < len(path); i += 3 {
		if straight(path[i-1], path[i], path[i+1], path[i+2]) {
			b.WriteString("L" + pair(path[i+2]))
			continue
		}
		b.WriteString("C" + pair(path[i]) + " " + pair(path[i+1]) + " " + pair(path[i+2]))
	}
	return b.String()
}

func straight(a, b, c, d Point) bool {
	return a.X == b.X && b.X == c.X && c.X == d.X || a.Y == b.Y && b.Y == c.Y && c.Y == d.Y
}

func pair(p Point) string { return number(p.X) + " " + number(p.Y) }

// number is a coordinate, to a tenth of a pixel.
func number(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10+0, 'f', -1, 64)
}
