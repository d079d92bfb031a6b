// Package docs_test checks that the examples in the documentation are right.
package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

func TestFlows(t *testing.T) {
	t.Parallel()
	for _, s := range snippets(t, "yaml", "name:") {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			file, err := flowfile.Parse(s.name, []byte(s.text))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.Build(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestGuests builds each program as a guest, together with the tests that follow
// it on its page; those run natively.
func TestGuests(t *testing.T) {
	t.Parallel()
	programs := map[string][]snippet{}
	for _, s := range snippets(t, "go", "package main") {
		programs[s.page] = append(programs[s.page], s)
	}
	for page, parts := range programs {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			dir := packageDir(t)
			for i, s := range parts {
				name := "main.go"
				if strings.Contains(s.text, `"testing"`) {
					name = "main_test.go"
				}
				file := filepath.Join(dir, name)
				if _, err := os.Stat(file); err == nil {
					t.Fatalf("snippet %d of %s: a page has one program and one test of it", i+1, page)
				}
				if err := os.WriteFile(file, []byte(s.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			guest := []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}
			run(t, dir, guest, "build", "-buildmode=c-shared", "-o", filepath.Join(t.TempDir(), "guest.wasm"), ".")
			run(t, dir, nil, "test", ".")
		})
	}
}

// packageDir is a new directory inside the module, so that imports resolve, and
// in build/, which git and the go command's patterns do not look into.
func packageDir(t *testing.T) string {
	t.Helper()
	build := filepath.Join("..", "build")
	if err := os.MkdirAll(build, 0o750); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(build, "_docs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func run(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// snippet is a fenced block of code.
type snippet struct {
	page, name, text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// snippets are the blocks of a language that begin with a text. None at all is
// a fault: the pages have some.
func snippets(t *testing.T, language, beginning string) []snippet {
	t.Helper()
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
			if m[1] != language || !strings.HasPrefix(m[2], beginning) {
				continue
			}
			first, _, _ := strings.Cut(strings.TrimPrefix(m[2], beginning), "\n")
			name := page + " " + strings.TrimSpace(first)
			all = append(all, snippet{page: page, name: name, text: m[2]})
		}
	}
	if len(all) == 0 {
		t.Fatalf("no %s snippet begins with %q", language, beginning)
	}
	return all
}
