// Command report makes tables and plots of what command peers has measured. It writes
// all tables and the plots beside the records, and a summary between two lines of a page:
//
//	go run ./cmd/report                   # results/peers into ../BENCHMARKS.md
//	go run ./cmd/report -check            # only tell whether they are as it makes them
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/bench/internal/record"
	"github.com/graflow/graflow-wasm/bench/internal/report"
)

// What the tables are between.
const (
	begin = "<!-- peers: made by make bench-report from bench/results/peers; don't edit -->\n"
	end   = "<!-- end of peers -->\n"
)

var errDiffers = errors.New("not as the records have it: make bench-report")

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	results := flags.String("results", "results/peers", "the `directory` of the records, and of the plots")
	page := flags.String("page", "../BENCHMARKS.md", "the `file` that the tables are written into")
	check := flags.Bool("check", false, "write nothing, fail if something would be written")
	if err := flags.Parse(args); err != nil {
		return err
	}
	lines, err := record.ReadDir(*results)
	if err != nil {
		return err
	}
	link, err := between(filepath.Dir(*page), *results)
	if err != nil {
		return err
	}
	made, err := report.Make(lines, link)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(*page)
	if err != nil {
		return err
	}
	with, err := insert(string(text), made.Summary)
	if err != nil {
		return fmt.Errorf("%s: %w", *page, err)
	}
	files := map[string]string{*page: with, filepath.Join(*results, report.DetailsFile): made.Details}
	for name, svg := range made.Plots {
		files[filepath.Join(*results, name)] = svg
	}
	for name, content := range files {
		if err := put(name, content, *check); err != nil {
			return err
		}
	}
	return nil
}

// between is how one directory is reached from another, as a link has it.
func between(from, to string) (string, error) {
	from, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	if to, err = filepath.Abs(to); err != nil {
		return "", err
	}
	link, err := filepath.Rel(from, to)
	return filepath.ToSlash(link), err
}

// insert puts the tables between the two lines.
func insert(page, tables string) (string, error) {
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("no lines %q and %q to write between", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + strings.TrimSpace(tables) + "\n\n" + end + after, nil
}

// put writes a file, or only looks whether it's like that.
func put(name, content string, check bool) error {
	if !check {
		return os.WriteFile(name, []byte(content), 0o644)
	}
	if is, err := os.ReadFile(name); err != nil || string(is) != content {
		return fmt.Errorf("%s: %w", name, errors.Join(errDiffers, err))
	}
	return nil
}
