package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/flowtest"
	"github.com/graflow/graflow-wasm/internal/term"
)

// testReport is what `test -o json` prints.
type testReport struct {
	Passed bool                  `json:"passed"`
	Files  []flowtest.FileReport `json:"files"`
}

// report prints what the cases came to.
func (o *testOptions) report(std streams, reports []flowtest.FileReport) error {
	switch o.format.value {
	case "json":
		all := testReport{Passed: true, Files: reports}
		for _, r := range reports {
			all.Passed = all.Passed && r.Passed()
		}
		return writeJSON(std.out, all)
	case "junit":
		raw, err := flowtest.JUnit(reports)
		if err == nil {
			_, err = std.out.Write(raw)
		}
		return err
	}
	w := testWriter{Output: std.output(), verbose: o.verbose}
	for _, r := range reports {
		w.file(r)
	}
	if len(reports) > 1 {
		w.total(reports)
	}
	return w.err
}

// testWriter writes reports for people.
type testWriter struct {
	*term.Output

	verbose bool
	err     error // the first
}

func (w *testWriter) line(format string, args ...any) {
	if _, err := fmt.Fprintf(w, format+"\n", args...); w.err == nil {
		w.err = err
	}
}

func (w *testWriter) file(r flowtest.FileReport) {
	var elapsed time.Duration
	for _, c := range r.Cases {
		elapsed += c.Elapsed
		w.result(r.File, c)
	}
	for _, text := range r.Faults {
		w.line("%s  %s", w.Paint(term.Bad, "FAIL"), indented(printable(text)))
	}
	if c := r.Cover; c != nil {
		w.cover(c)
	}
	w.line("%s: %d of %d cases pass, in %s", r.File, r.PassedCases(), len(r.Cases), elapsed.Round(time.Millisecond))
}

func (w *testWriter) result(file string, c *flowtest.Result) {
	took := ""
	if d, err := time.ParseDuration(c.Took); err == nil && d > 0 {
		took = ", " + d.Round(time.Millisecond).String() + " by its own clock"
	}
	switch {
	case c.Updated:
		w.line("%s  %s (%s:%d)", w.Paint(term.Warn, "updated"), oneLine(c.Name), file, c.Line)
	case !c.Passed:
		w.line("%s  %s (%s:%d)", w.Paint(term.Bad, "FAIL"), oneLine(c.Name), file, c.Line)
		text := flowtest.Explain(c, func(sign byte, line string) string {
			look := map[byte]term.Look{'-': term.Bad, '+': term.Good}[sign]
			return w.Paint(look, printable(line))
		})
		for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			w.line("      %s", line)
		}
	case w.verbose:
		w.line("%s    %s (%s%s)", w.Paint(term.Good, "ok"), oneLine(c.Name), c.Elapsed.Round(time.Millisecond), took)
	}
}

func (w *testWriter) cover(c *flowtest.CoverReport) {
	w.line("covered: %d of %d tasks, %d of %d edges", c.TasksCovered, c.Tasks, c.EdgesCovered, c.Edges)
	for _, task := range c.MissedTasks {
		w.line("  no case executes %s", oneLine(task))
	}
	for _, edge := range c.MissedEdges {
		w.line("  no case takes the edge %s", oneLine(edge))
	}
}

func (w *testWriter) total(reports []flowtest.FileReport) {
	passed, all := 0, 0
	for _, r := range reports {
		passed, all = passed+r.PassedCases(), all+len(r.Cases)
	}
	w.line("%d of %d cases of %d files pass", passed, all, len(reports))
}

// indented is text whose further lines stand below the first.
func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n      ") }
