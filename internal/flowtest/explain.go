package flowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Explain tells what of a case is not as it should be, in lines. mark makes a line, or
// a part of one, fit to be shown: of what was expected ('-'), of what came ('+'), and
// all else (' '); nil leaves them. Much of it is foreign text.
func Explain(r *Result, mark func(sign byte, line string) string) string {
	if mark == nil {
		mark = func(_ byte, line string) string { return line }
	}
	var b strings.Builder
	for _, text := range r.Faults {
		fmt.Fprintln(&b, mark(' ', text))
	}
	for _, d := range r.Diffs {
		d.explain(&b, mark)
	}
	return b.String()
}

// explain writes a difference: on one line if both sides are short, else line by line.
func (d Diff) explain(b *strings.Builder, mark func(byte, string) string) {
	expected, got := pretty(d.Expected), pretty(d.Got)
	what := mark(' ', d.What)
	if d.Expected == nil {
		fmt.Fprintf(b, "%s:\n", what)
		for _, line := range got {
			fmt.Fprintln(b, mark('+', "  + "+line))
		}
		return
	}
	verb := "expected"
	if d.Partly {
		verb = "expected a part"
	}
	const brief = 60
	if len(expected) == 1 && len(got) == 1 && len(expected[0])+len(got[0]) <= brief {
		fmt.Fprintf(b, "%s: %s %s, got %s\n", what, verb, mark('-', expected[0]), mark('+', got[0]))
		return
	}
	fmt.Fprintf(b, "%s: - %s, + got\n", what, verb)
	for _, line := range diffLines(expected, got) {
		fmt.Fprintln(b, mark(line[0], "  "+line))
	}
}

// pretty is a value in lines: JSON with sorted keys; nothing is "nothing". A text of
// several lines is shown as such.
func pretty(raw json.RawMessage) []string {
	if len(raw) == 0 || string(raw) == "null" {
		return []string{"null"}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && strings.Contains(strings.TrimRight(text, "\n"), "\n") {
		return strings.Split(text, "\n")
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	value := decode(raw)
	if e.Encode(value) == nil && b.Len() <= 80 {
		return []string{strings.TrimRight(b.String(), "\n")}
	}
	b.Reset()
	e.SetIndent("", "  ")
	if e.Encode(value) != nil {
		return []string{string(raw)}
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// maxDiffed bounds the lines that are aligned; what has more is shown whole.
const maxDiffed = 2000

// diffLines aligns two texts: lines of both begin with ' ', of the first alone with
// '-', of the second alone with '+'. Long runs of the same lines are cut.
func diffLines(a, b []string) []string {
	if len(a) > maxDiffed || len(b) > maxDiffed {
		return append(signed('-', a), signed('+', b)...)
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	out = append(out, signed('-', a[i:])...)
	return cut(append(out, signed('+', b[j:])...))
}

func signed(sign byte, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = string(sign) + " " + line
	}
	return out
}

// cut leaves three lines of what is the same around each difference.
func cut(lines []string) []string {
	const around = 3
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if line[0] == ' ' {
			continue
		}
		for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
			keep[k] = true
		}
	}
	var out []string
	for i, line := range lines {
		switch {
		case keep[i]:
			out = append(out, line)
		case i == 0 || keep[i-1]:
			out = append(out, "  …")
		}
	}
	return out
}
