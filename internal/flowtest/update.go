package flowtest

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/flowfile"
)

// Update returns the test file with what came written as what is expected, in the
// cases of which something came otherwise; changed counts them. Of a case with an
// `expect` the keys stay that it has; another gets the output or the error, and the
// order of its tasks. All else stays as it is written. A case whose own faults kept it
// from being run as it is meant is left alone.
//
// The error is [flowfile.Errors]: a case is written in a way that can't be updated.
func (f *File) Update(results []*Result) (source []byte, changed int, err error) {
	lines := append([]string(nil), f.document.Lines()...)
	var errs flowfile.Errors
	for i := len(results) - 1; i >= 0; i-- { // from the end: lines before it stay where they are
		r := results[i]
		c := r.trial.c
		if len(r.Faults) > 0 || len(r.Diffs) == 0 && !c.expect.isBare() {
			continue
		}
		if isFlowStyle(lines, c.at) {
			errs = append(errs, c.at.Fault("case %q can't be updated: it is written in braces; write each key on a line of its own", c.Name))
			continue
		}
		lines = c.rewrite(lines, r.got)
		changed++
	}
	if len(errs) > 0 {
		return nil, 0, errs.Sorted()
	}
	source = []byte(strings.Join(lines, ""))
	if _, err := parse(f.Name, source); err != nil {
		return nil, 0, fmt.Errorf("update %s: what came can't be written as it is: %w", f.Name, err)
	}
	return source, changed, nil
}

// isFlowStyle tells a mapping in braces.
func isFlowStyle(lines []string, v flowfile.Value) bool {
	return strings.HasPrefix(string([]rune(lines[v.Line()-1])[v.Column()-1:]), "{")
}

// rewrite puts what came in place of the case's expect, or at the case's end.
func (c *Case) rewrite(lines []string, g *got) []string {
	e := entryOf(c.at, "expect")
	first, column := c.at.Line()-1, c.at.Column()
	if e != nil {
		first, column = e.Line()-1, e.Column()
	}
	var text strings.Builder
	if pairs := c.expect.updated(g); len(pairs) > 2 { // more are read better one below the other
		text.WriteString("expect:\n")
		writeYAML(&text, column+1, pairs)
	} else {
		writeYAML(&text, column-1, []pair{{"expect", pairs}})
	}
	if e == nil {
		last := lastLine(lines, first, column-1)
		if !strings.HasSuffix(lines[last], "\n") {
			lines[last] += "\n"
		}
		return splice(lines, last+1, last+1, strings.Repeat(" ", column-1)+strings.TrimLeft(text.String(), " "))
	}
	last := lastLine(lines, first, column)
	// What stands before the key, as the dash of the list, stays.
	before := string([]rune(lines[first])[:column-1])
	return splice(lines, first, last+1, before+strings.TrimLeft(text.String(), " "))
}

// lastLine is the last line of what begins in a line and goes on in those that are
// indented at least so much.
func lastLine(lines []string, first, indent int) int {
	last := first
	for i := first + 1; i < len(lines); i++ {
		text := strings.TrimRight(lines[i], " \r\n")
		if text == "" {
			continue
		}
		if len(text)-len(strings.TrimLeft(text, " ")) < indent {
			break
		}
		last = i
	}
	return last
}

func splice(lines []string, from, to int, text string) []string {
	out := append([]string(nil), lines[:from]...)
	out = append(out, strings.SplitAfter(strings.TrimRight(text, "\n")+"\n", "\n")...)
	return append(out[:len(out)-1], lines[to:]...) // SplitAfter leaves an empty one at the end
}
