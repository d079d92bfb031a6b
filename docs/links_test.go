package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	code     = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	unlinked = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// TestLinks follows each link within the repository, in all of its pages, to a file
// and to a heading in it.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, file := range allPages(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := code.ReplaceAllString(string(raw), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			to := file
			if path != "" {
				to = filepath.Join(filepath.Dir(file), path)
			}
			name, _ := filepath.Rel(root, file)
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: (%s): there is no such file", name, m[1])
				continue
			}
			if anchor != "" && strings.HasSuffix(to, ".md") && !anchors(t, to)[anchor] {
				t.Errorf("%s: (%s): there is no such heading", name, m[1])
			}
		}
	}
}

// TestIndex wants docs/README.md to have each page of this directory.
func TestIndex(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t) {
		if p.name != "README.md" && !strings.Contains(string(index), "("+p.name+")") {
			t.Errorf("docs/README.md does not lead to %s", p.name)
		}
	}
}

// allPages are those of the repository, but what was built, or only waits to be copied.
func allPages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (e.Name() == "build" || e.Name() == "node_modules" || e.Name() == "target" || e.Name() == "scaffold" || e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && path != root):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			all = append(all, path)
		}
		return nil
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d pages: %v", len(all), err)
	}
	return all
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	text := regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(string(raw), "")
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		title := strings.ToLower(unlinked.ReplaceAllString(m[1], "$1"))
		title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
		all[strings.ReplaceAll(title, " ", "-")] = true
	}
	return all
}
