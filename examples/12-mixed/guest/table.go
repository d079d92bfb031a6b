package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Column is one of the measurements, and the range of its values.
type Column struct {
	Name string  `json:"name"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

type table struct {
	names   []string
	rows    [][]float64
	skipped int // lines without numbers
}

// read reads lines of values with commas between them, the first of which has the
// columns' names.
func read(csv string) (table, error) {
	var t table
	for line := range strings.Lines(csv) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, ",")
		if t.names == nil {
			for _, name := range fields {
				t.names = append(t.names, strings.TrimSpace(name))
			}
			continue
		}
		row, err := numbers(fields)
		if err != nil || len(row) != len(t.names) {
			t.skipped++
			continue
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) == 0 {
		return t, errors.New("there are no measurements: want a line with names, and lines with as many numbers")
	}
	return t, nil
}

func numbers(fields []string) ([]float64, error) {
	var all []float64
	for _, field := range fields {
		n, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
		if err != nil || n-n != 0 { // infinite, or not a number
			return nil, fmt.Errorf("%q is no number", field)
		}
		all = append(all, n)
	}
	return all, nil
}

func (t table) columns() []Column {
	var all []Column
	for i, name := range t.names {
		c := Column{Name: name, Min: t.rows[0][i], Max: t.rows[0][i]}
		for _, row := range t.rows {
			c.Min, c.Max = min(c.Min, row[i]), max(c.Max, row[i])
		}
		all = append(all, c)
	}
	return all
}

// points is the rows as the container reads them.
func (t table) points(clusters int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %d %d\n", len(t.rows), len(t.names), clusters)
	columns := t.columns()
	for _, row := range t.rows {
		for i, c := range columns {
			fmt.Fprintf(&text, "%g ", (row[i]-c.Min)/c.width())
		}
		text.WriteString("\n")
	}
	return text.String()
}

// width is never 0, for columns that are all the same.
func (c Column) width() float64 {
	if c.Max == c.Min {
		return 1
	}
	return c.Max - c.Min
}

// readPoints is the reverse of points.
func readPoints(text string) ([][]float64, error) {
	var points [][]float64
	_, rest, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(rest) {
		point, err := numbers(strings.Fields(line))
		if err != nil {
			return nil, err
		}
		points = append(points, point)
	}
	return points, nil
}
