// Package docs_test checks that what the documentation shows is right. Each fenced
// snippet of these pages and of the README is run, or checked as far as it can be:
//
//   - yaml is a flow. Its graph is built; if the page has the guest too it is
//     validated with it, and run if the page says how in `code`. Or it is a policy of
//     an operator or of Docker tasks, which is read.
//   - go is a guest, a test of it, or part of a function; all are built and run.
//   - sh runs, line by line, where the page's flow and guest are. What make would do
//     is only looked up.
//   - json is JSON; mermaid and text are anything.
//
// A line before the fence, <!-- not run: REASON -->, leaves a snippet out; with
// <!-- needs: TOOLS --> it is left out, loudly, where those are not, and never in CI. The
// commands of the examples' pages run as well.
package docs_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository; command the built graflow-wasm; cache where it and the
// pages' commands keep what they compile. All are absolute.
var root, command, cache string

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n") // there is no other place to say it
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (code int, err error) {
	if root, err = filepath.Abs(".."); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "graflow-wasm-docs-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	command, cache = filepath.Join(dir, "graflow-wasm"), filepath.Join(dir, "cache")
	build := exec.Command("go", "build", "-o", command, "./cmd/graflow-wasm")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is mounted into containers
	if out, err := build.CombinedOutput(); err != nil {
		return 1, errors.New(string(out))
	}
	return m.Run(), nil
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			dir := workspace(t)
			// The guest first: flows and commands name it.
			checkPrograms(t, dir, p)
			checkFlows(t, dir, p)
			checkCommands(t, dir, p)
			checkRest(t, p)
		})
	}
}

func checkRest(t *testing.T, p page) {
	t.Helper()
	for _, s := range p.snippets {
		switch s.language {
		case "yaml", "go", "sh", "text", "mermaid":
		case "json":
			if !json.Valid([]byte(s.text)) {
				t.Errorf("%s: it is not JSON", s.name)
			}
		default:
			t.Errorf("%s: want one of the languages yaml, go, sh, json, mermaid, text, not %q", s.name, s.language)
		}
	}
}

// workspace is a new directory inside the module, so that imports resolve, and in
// build/, which git and the go command's patterns do not look into.
func workspace(t *testing.T) string {
	t.Helper()
	build := filepath.Join(root, "build")
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

// write writes a file, and the directories above it.
func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// run runs a program in dir and returns what it writes to stdout.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}
