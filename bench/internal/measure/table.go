package measure

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Table is a Markdown table; its first row is the head.
type Table [][]string

// Add adds a row of whatever prints well: durations with three digits.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case time.Duration:
			row[i] = Duration(c)
		case float64:
			row[i] = number(c)
		default:
			row[i] = fmt.Sprint(c)
		}
	}
	*t = append(*t, row)
}

// String aligns the columns, so that the source reads as well.
func (t Table) String() string {
	var widths []int
	for _, row := range t {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 3)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for n, row := range t {
		line(&out, row, widths)
		if n == 0 {
			rule := make([]string, len(widths))
			for i := range rule {
				rule[i] = strings.Repeat("-", widths[i])
			}
			line(&out, rule, widths)
		}
	}
	return out.String()
}

func line(out *strings.Builder, row []string, widths []int) {
	for i, cell := range row {
		fmt.Fprintf(out, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
	}
	out.WriteString("|\n")
}

// Duration prints three digits: "1.23 ms".
func Duration(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case abs < time.Millisecond:
		return number(float64(d)/1e3) + " µs"
	case abs < time.Second:
		return number(float64(d)/1e6) + " ms"
	}
	return number(d.Seconds()) + " s"
}

// number prints three digits, or all before the point.
func number(f float64) string {
	if f >= 100 || f <= -100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}
