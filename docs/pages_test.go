package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is a page and its snippets, but those that are not to be run.
type page struct {
	name     string // of its file
	text     string
	snippets []snippet
}

// snippet is a fenced block of code.
type snippet struct {
	name     string // page and line
	language string
	text     string
	needs    []string // tools without which it is not run, see tools_test.go
}

var fence = regexp.MustCompile("(?ms)(^<!-- (?:not run|needs): [^\n]+ -->\n)?^```([^\n]*)\n(.*?)^```$")

// pages are those of this directory, but its index, those about concepts, and the
// README.
func pages(t *testing.T) []page {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	var all []page
	concepts, err := filepath.Glob("concepts/*.md")
	if err != nil || len(concepts) == 0 {
		t.Fatalf("no pages about concepts: %v", err)
	}
	for _, file := range append(append(files, concepts...), "../README.md") {
		if file == "README.md" { // the index, without snippets
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, readPage(t, strings.TrimPrefix(file, "../"), string(text)))
	}
	return all
}

func readPage(t *testing.T, name, text string) page {
	t.Helper()
	p := page{name: name, text: text}
	matches := fence.FindAllStringSubmatchIndex(text, -1)
	for _, m := range matches {
		s := snippet{
			name:     fmt.Sprintf("%s:%d", name, 1+strings.Count(text[:m[4]], "\n")),
			language: text[m[4]:m[5]], text: text[m[6]:m[7]],
		}
		if m[2] >= 0 {
			why := strings.Trim(text[m[2]:m[3]], "<!-> \n")
			needs, ok := strings.CutPrefix(why, "needs: ")
			if s.needs = strings.Fields(needs); !ok {
				t.Logf("%s: %s", s.name, why)
				continue
			}
		}
		p.snippets = append(p.snippets, s)
	}
	if fences := strings.Count(text, "\n```"); fences != 2*len(matches) {
		t.Errorf("%s: %d fences for %d snippets", name, fences, len(matches))
	}
	return p
}

// in are the snippets of a language.
func (p page) in(language string) []snippet {
	var all []snippet
	for _, s := range p.snippets {
		if s.language == language {
			all = append(all, s)
		}
	}
	return all
}
