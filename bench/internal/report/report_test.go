package report_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/bench/internal/record"
	"github.com/graflow/graflow-wasm/bench/internal/report"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from its golden file (go test -update): got\n%s", name, got)
	}
}

func made(t *testing.T) report.Page {
	t.Helper()
	lines, err := record.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	page, err := report.Make(lines, "plots")
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// TestGolden holds the page and its plots to what was looked at.
func TestGolden(t *testing.T) {
	t.Parallel()
	page := made(t)
	golden(t, "summary.md", page.Summary)
	golden(t, "details.md", page.Details)
	var names []string
	for name, svg := range page.Plots {
		names = append(names, name)
		golden(t, name, svg)
	}
	slices.Sort(names)
	want := []string{"queue-2-rate.svg", "queue-2-time.svg", "queue-3-time.svg", "sandbox-rate.svg", "sandbox-time.svg"}
	if !slices.Equal(names, want) {
		t.Errorf("got plots %v, want %v", names, want)
	}
}

// TestFigures counts by hand what the golden page must say of testdata.
func TestFigures(t *testing.T) {
	t.Parallel()
	all := made(t)
	page := all.Summary + all.Details
	for what, want := range map[string][]string{
		"the median of three rounds, and how far apart they are": {"| ours", "20 µs", "10 µs to 30 µs", "5 µs to 900 µs"},
		"a ratio of times":                   {"| wazero, fresh", "2 ms", "| 100 "},
		"tasks of all rounds":                {"| ours", "| 3000"},
		"a ratio of rates":                   {"| River", "3000", "1000 to 4000", "| 3 "},
		"where we lose, by time":             {"| 32 numbers", "20 µs (ours)", "wazero, reused: leaks state 10 µs", "2 times"},
		"where we lose, by rate, of a class": {"| Jobs a second, not waited for", "fsync after the answer", "1000/s", "River, eager 3000/s", "3 times"},
		"who is missing, and why":            {"Not measured: Temporal: no such program"},
		"what ran twice, once for a turn":    {"Executed more than once, without a crash: River, eager, fsync after the answer: 3"},
		"the load":                           {"Load at the start of its parts 0.2 to 0.7"},
	} {
		if !slices.ContainsFunc(strings.Split(page, "\n"), func(line string) bool {
			return !slices.ContainsFunc(want, func(s string) bool { return !strings.Contains(line, s) })
		}) {
			t.Errorf("%s: no line with %q in\n%s", what, want, page)
		}
	}
	if strings.Contains(page, "more than a line") {
		t.Error("got all that a failure says, want its first line")
	}
}

func TestDoesNotTellNoiseAsLoss(t *testing.T) {
	t.Parallel()
	for line := range strings.SplitSeq(made(t).Summary, "\n") {
		if strings.Contains(line, "(ours") && strings.Contains(line, "asynq") {
			t.Errorf("asynq is 5 %% better in testdata, want that not told: %s", line)
		}
	}
}

// TestPlots holds what a golden file can't: that it's well formed, small, and has no
// number that is none.
func TestPlots(t *testing.T) {
	t.Parallel()
	for name, svg := range made(t).Plots {
		if len(svg) > 20_000 {
			t.Errorf("%s: got %d bytes, want at most 20 000", name, len(svg))
		}
		for _, bad := range []string{"NaN", "Inf", "%!"} {
			if strings.Contains(svg, bad) {
				t.Errorf("%s: got %s in it", name, bad)
			}
		}
		if !strings.Contains(svg, "prefers-color-scheme:dark") {
			t.Errorf("%s: got one color for day and night", name)
		}
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
	}
}

func TestTellsOfABusyMachine(t *testing.T) {
	t.Parallel()
	const told = "The machine was busy"
	lines, err := record.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if quiet := made(t).Summary; strings.Contains(quiet, told) {
		t.Errorf("a load of 0.7 on 2 cores: got %s, want no warning", quiet)
	}
	lines = append(lines, record.Line{Machine: &record.Machine{Cores: 2, Load: 1.5}})
	busy, err := report.Make(lines, "")
	if err != nil || !strings.Contains(busy.Summary, told) {
		t.Errorf("a load of 1.5: got %s, %v, want a warning", busy.Summary, err)
	}
}

func TestRefusesNothing(t *testing.T) {
	t.Parallel()
	if _, err := report.Make([]record.Line{{Missing: &record.Missing{Why: "x"}}}, ""); err == nil {
		t.Error("got a page of no measurement, want an error")
	}
}
