package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	// proof is the name of a test, its case last; or of a script.
	proof = regexp.MustCompile("`([a-z0-9_/-]+\\.(?:go|txtar))(?: ((?:Test|Fuzz)[A-Za-z0-9_]*)(?:/([^`]+))?)?`")
	// classRow is a row of the table of classes: its first cell is their name.
	classRow = regexp.MustCompile(`(?m)^\| ([a-z]+) \|`)
)

// TestGuarantees wants each promise to name a class that there is and tests that are
// there.
func TestGuarantees(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../GUARANTEES.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	_, classes, _ := strings.Cut(text, "\n## Classes\n")
	classes, promises, _ := strings.Cut(classes, "\n## ")
	names := []string{"all", "kept", "shared"}
	for _, row := range classRow.FindAllStringSubmatch(classes, -1) {
		names = append(names, row[1])
	}
	rows := 0
	for line := range strings.Lines(promises) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "promise" {
			continue
		}
		rows++
		if len(cells) != 3 {
			t.Errorf("%q: %d cells, want a promise, its classes and its proof", cells[0], len(cells))
			continue
		}
		for class := range strings.SplitSeq(cells[1], ", ") {
			if !slices.Contains(names, class) {
				t.Errorf("%q: there is no class %q", cells[0], class)
			}
		}
		checkProof(t, cells[0], cells[2])
	}
	if rows == 0 {
		t.Error("no promises found")
	}
}

// checkProof wants a cell to name tests and nothing else, all of them there.
func checkProof(t *testing.T, promise, cell string) {
	t.Helper()
	all := proof.FindAllStringSubmatch(cell, -1)
	if rest := strings.Trim(proof.ReplaceAllString(cell, ""), ", "); len(all) == 0 || rest != "" {
		t.Errorf("%q: %d tests, and %q, which names none", promise, len(all), rest)
	}
	for _, m := range all {
		file, function, part := filepath.Join(root, m[1]), m[2], m[3]
		text, err := os.ReadFile(file)
		switch {
		case err != nil:
			t.Errorf("%q: %v", promise, err)
		case function == "" && !strings.HasSuffix(file, ".txtar"):
			t.Errorf("%q: which test of %s?", promise, m[1])
		case part == "" && function != "" && !declares(string(text), function):
			t.Errorf("%q: %s has no %s", promise, m[1], function)
		case part != "" && !strings.Contains(string(text), strconv.Quote(part)):
			t.Errorf("%q: %s has no case %q", promise, m[1], part)
		case part != "" && !packageDeclares(t, filepath.Dir(file), function):
			t.Errorf("%q: nothing beside %s has %s", promise, m[1], function)
		}
	}
}

func declares(text, function string) bool {
	return strings.Contains(text, "\nfunc "+function+"(t *testing.T)") || strings.Contains(text, "\nfunc "+function+"(f *testing.F)")
}

// TestThreats wants each threat to name its defense and tests that are there. In the
// table of roles the cell before the last says what one can't do.
func TestThreats(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, threats, found := strings.Cut(string(raw), "\n## Threats\n")
	threats, _, ended := strings.Cut(threats, "\n## Not defended\n")
	if !found || !ended {
		t.Fatal("no threats found, or not what is not defended")
	}
	rows := 0
	for line := range strings.Lines(threats) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if !strings.HasPrefix(line, "| ") || cells[0] == "threat" || cells[0] == "role" {
			continue
		}
		rows++
		if len(cells) < 3 || len(cells) > 4 || slices.Contains(cells, "") {
			t.Errorf("%q: cells %q, want a threat, its defense and its proof", cells[0], cells)
			continue
		}
		checkProof(t, cells[0], cells[len(cells)-1])
	}
	if rows < 50 {
		t.Errorf("%d threats found", rows)
	}
}

// packageDeclares tells that a test is in a directory: its cases may be in another
// file than it is.
func packageDeclares(t *testing.T, dir, function string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return declares(string(text), function)
	})
}
