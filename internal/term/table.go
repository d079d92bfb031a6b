package term

import (
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Column is a column of a Table.
type Column struct {
	Title string
	Right bool // aligned to the right on a terminal
	// Min is the width that it is not cut below, as long as there is one to drop; 0 is
	// that of its title, at least 4.
	Min int
	// Rank says which column goes first where not all have room: the highest. One of
	// rank 0 stays.
	Rank int
}

// Cell is what a row has in a column.
type Cell struct {
	Text string // made OneLine when it is written
	Look Look
	Mark string // before the text, on a terminal alone
}

// Text is a cell without a look.
func Text(text string) Cell { return Cell{Text: text} }

// Marked is a cell with the mark and the look of a status.
func Marked(status, text string) Cell {
	s := StatusOf(status)
	return Cell{Text: text, Look: s.Look, Mark: s.Mark}
}

// Table is rows of cells in columns. Its zero value is empty. All rows have a cell for
// each column.
type Table struct {
	Columns []Column
	// Whole has nothing cut, and no titles: it is for what is read rather than looked
	// over, as errors.
	Whole bool

	rows [][]Cell
}

// NewTable makes a Table without rows.
func NewTable(columns ...Column) *Table { return &Table{Columns: columns} }

// Add adds a row.
func (t *Table) Add(cells ...Cell) { t.rows = append(t.rows, cells) }

// Len is how many rows there are.
func (t *Table) Len() int { return len(t.rows) }

// gap is how many columns of the terminal are between two.
const gap = 2

// WriteTo writes the table: for a terminal with a line of titles and within its width,
// else the rows alone, in columns that two spaces are between.
func (t *Table) WriteTo(o *Output) error {
	if len(t.rows) == 0 {
		return nil
	}
	if !o.Terminal() && !o.Color() {
		return t.writePlain(o)
	}
	width, _ := o.Size()
	if t.Whole {
		width = 0
	}
	lines := t.Lines(o, width)
	if !o.Terminal() || t.Whole {
		lines = lines[1:]
	}
	_, err := io.WriteString(o, strings.Join(lines, "\n")+"\n")
	return err
}

// writePlain writes what programs read.
func (t *Table) writePlain(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, gap, ' ', 0)
	for _, row := range t.rows {
		texts := make([]string, len(row))
		for i, cell := range row {
			texts[i] = OneLine(cell.Text)
		}
		if _, err := io.WriteString(out, strings.Join(texts, "\t")+"\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Lines are the titles and the rows, painted as o is, each at most width columns wide;
// 0 is any width.
func (t *Table) Lines(o *Output, width int) []string {
	texts := t.texts(o.Terminal())
	shown, widths := t.fit(texts, width)
	lines := make([]string, len(texts))
	for i, row := range texts {
		parts := make([]string, len(shown))
		for j, column := range shown {
			look := Strong
			if i > 0 {
				look = t.rows[i-1][column].Look
			}
			parts[j] = t.cell(o, look, row[column], column, widths[j], j == len(shown)-1)
		}
		lines[i] = strings.TrimRight(strings.Join(parts, strings.Repeat(" ", gap)), " ")
	}
	return lines
}

// cell is a text in its look and its column's width. The last one needs no filling.
func (t *Table) cell(o *Output, look Look, text string, column, width int, last bool) string {
	cut := Cut(text, width)
	if last && !t.Columns[column].Right {
		return o.Paint(look, cut)
	}
	// Blanks have no look: else some terminals underline them.
	full := pad(cut, width, t.Columns[column].Right)
	before, after, _ := strings.Cut(full, cut)
	return before + o.Paint(look, cut) + after
}

// texts are the titles, and what the cells say.
func (t *Table) texts(marks bool) [][]string {
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	all := [][]string{titles}
	for _, row := range t.rows {
		texts := make([]string, len(row))
		for i, cell := range row {
			texts[i] = OneLine(cell.Text)
			if marks && cell.Mark != "" {
				texts[i] = cell.Mark + " " + texts[i]
			}
		}
		all = append(all, texts)
	}
	return all
}

// fit picks the columns that have room, and their widths.
func (t *Table) fit(texts [][]string, width int) (shown, widths []int) {
	natural := make([]int, len(t.Columns))
	for _, row := range texts {
		for i, text := range row {
			natural[i] = max(natural[i], Width(text))
		}
	}
	for i := range t.Columns {
		shown = append(shown, i)
	}
	if width < 1 {
		return shown, natural
	}
	least := func(i int) int { return min(natural[i], t.least(i)) }
	for sum(shown, least) > width {
		i := t.highest(shown)
		if i < 0 {
			break
		}
		shown = slices.Delete(shown, i, i+1)
	}
	for _, i := range shown {
		widths = append(widths, natural[i])
	}
	for over := sum(shown, func(i int) int { return natural[i] }) - width; over > 0; over-- {
		i := widest(widths, func(j int) int { return least(shown[j]) })
		if widths[i] <= 1 {
			break
		}
		widths[i]--
	}
	return shown, widths
}

func (t *Table) least(i int) int {
	if c := t.Columns[i]; c.Min > 0 {
		return c.Min
	}
	return max(4, Width(t.Columns[i].Title))
}

// highest is where the column of the highest rank is, the last of several; -1 is none.
func (t *Table) highest(shown []int) int {
	at := -1
	for j, i := range shown {
		if rank := t.Columns[i].Rank; rank > 0 && (at < 0 || rank >= t.Columns[shown[at]].Rank) {
			at = j
		}
	}
	return at
}

// sum is the width of columns with the gaps between them.
func sum(columns []int, width func(int) int) int {
	total := gap * max(0, len(columns)-1)
	for _, i := range columns {
		total += width(i)
	}
	return total
}

// widest is the column that is the most above its least width, else the widest.
func widest(widths []int, least func(int) int) int {
	at, spare := -1, 0
	for j, w := range widths {
		if s := w - least(j); s > spare {
			at, spare = j, s
		}
	}
	if at >= 0 {
		return at
	}
	return slices.Index(widths, slices.Max(widths))
}
