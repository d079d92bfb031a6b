package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
)

// made has, for each language with a scaffold, what its guest needs to be built: a
// PATH with its tools, or the end of the test.
var made = []struct {
	lang string
	path func(t *testing.T) string
	test bool // it has tests of its own
}{
	{"go", func(*testing.T) string { return os.Getenv("PATH") }, true},
	{"rust", func(t *testing.T) string { t.Helper(); return guesttest.RustPath(t) }, true},
	{"c", func(t *testing.T) string { t.Helper(); guesttest.Clang(t); return os.Getenv("PATH") }, false},
	{"assemblyscript", func(t *testing.T) string { t.Helper(); return guesttest.AssemblyScriptPath(t) }, false},
}

// TestNew makes a guest in each language, builds it by its Makefile and runs its
// flow, as its README says.
func TestNew(t *testing.T) {
	t.Parallel()
	for _, m := range made {
		t.Run(m.lang, func(t *testing.T) {
			t.Parallel()
			path := m.path(t)
			dir := filepath.Join(t.TempDir(), "my-greeter")
			typed(t, ".", path, "graflow-wasm", "new", m.lang, dir)
			typed(t, dir, path, "make")
			if _, err := os.Stat(filepath.Join(dir, "my-greeter.wasm")); err != nil {
				t.Error(err)
			}
			if m.test {
				typed(t, dir, path, "make", "test")
			}
			if got := typed(t, dir, path, "make", "run"); !strings.Contains(got, `"Hello, Ada!"`) {
				t.Errorf("got %s, want it greet", got)
			}
			show := typed(t, dir, path, "graflow-wasm", "module", "show", "my-greeter.wasm")
			if !strings.Contains(show, "greet  greets someone by name") || strings.Contains(show, "channel_") {
				t.Errorf("got %s, want the task, and nothing asked for that it does not use", show)
			}
		})
	}
}

// TestNewScript makes a task of source code in each language, and runs its flow by its
// Makefile, as its README says.
func TestNewScript(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"python", "javascript", "typescript"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			needRuntimes(t)
			dir := filepath.Join(t.TempDir(), "my-greeter")
			typed(t, ".", os.Getenv("PATH"), "graflow-wasm", "new", lang, dir)
			typed(t, dir, os.Getenv("PATH"), "make")
			if got := typed(t, dir, os.Getenv("PATH"), "make", "run"); !strings.Contains(got, `"Hello, Ada!"`) {
				t.Errorf("got %s, want it greet", got)
			}
		})
	}
}

// TestNewEveryLanguage wants a whole scaffold of each language.
func TestNewEveryLanguage(t *testing.T) {
	t.Parallel()
	for lang := range languages {
		dir := filepath.Join(t.TempDir(), "greeter")
		typed(t, ".", os.Getenv("PATH"), "graflow-wasm", "new", lang, dir)
		for _, name := range []string{"Makefile", "README.md", "greeter.flow.yaml"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil || strings.Contains(string(data), "{{") {
				t.Errorf("%s: %s: %v\n%s", lang, name, err, data)
			}
		}
	}
}

// TestNewSaysWhatIsMissing makes guests where there are no compilers.
func TestNewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for _, tool := range []string{"make", "sh", "sed", "find", "test"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for lang, want := range map[string]string{
		"rust": "apt-get install rustc cargo", "c": "apt-get install clang-19", "assemblyscript": "apt-get install npm",
	} {
		dir := filepath.Join(t.TempDir(), "greeter")
		typed(t, ".", os.Getenv("PATH"), "graflow-wasm", "new", lang, dir)
		out, err := typing(t.Context(), dir, bin, "make").CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: got %v and %s, want it to say how to install the compiler: %s", lang, err, out, want)
		}
	}
}

// typed runs a program and wants it to succeed.
func typed(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	out, err := typing(t.Context(), dir, path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

func typing(ctx context.Context, dir, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+path, "XDG_CACHE_HOME="+cache)
	if own, err := os.UserCacheDir(); err == nil && os.Getenv("GOCACHE") == "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+filepath.Join(own, "go-build")) // or Go would build its library again
	}
	return cmd
}
