package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/statedir"
	"github.com/rogpeppe/go-internal/testscript"
)

// notRun skips a test for want of a program; in CI all are there.
func notRun(t *testing.T, why error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skipf("NOT RUN: %v", why)
}

// needRuntimes skips what runs code where the interpreters were not built; in CI they
// are.
func needRuntimes(t *testing.T) {
	t.Helper()
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		_, err := runtimes.Open(name)
		if _, missing := errors.AsType[*runtimes.MissingError](err); missing {
			notRun(t, err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestExecScripts is TestScripts of what runs code, with the real interpreters. SERVER is
// a server that greets; `private FILE` wants a file that nobody else may read.
func TestExecScripts(t *testing.T) {
	t.Parallel()
	needRuntimes(t)
	for _, l := range []string{"python", "javascript"} { // compiles it once for all
		var errs strings.Builder
		std := streams{in: strings.NewReader(""), out: io.Discard, err: &errs}
		if got := execute([]string{"exec", "--cache-dir", filepath.Join(cache, "graflow-wasm"), "-l", l, "-c", "1"}, std); got != exitSucceeded {
			t.Fatalf("%s: got exit code %d, %s", l, got, &errs)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/exec",
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"GRAFLOW_TEST_DIR": os.Getenv("GRAFLOW_TEST_DIR"), "GORACE": os.Getenv("GORACE"),
				"HOME": cache, "XDG_CACHE_HOME": cache, "LONG": strings.Repeat("x", 65),
			} {
				env.Setenv(name, value)
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "hello from ", r.URL.Path)
			}))
			env.Defer(server.Close)
			env.Setenv("SERVER", strings.TrimPrefix(server.URL, "http://"))
			return os.WriteFile(filepath.Join(env.WorkDir, "latin.py"), []byte("x = '\xe9'\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until, "private": private},
	})
}

// private checks who may read a file.
func private(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: private FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := info.Mode().Perm() & 0o077; got != 0 && runtime.GOOS != "windows" {
		ts.Fatalf("%s: mode %s: others may use it", args[0], info.Mode())
	}
}

// TestExecBesideRuns keeps a session in a state directory that is open.
func TestExecBesideRuns(t *testing.T) {
	t.Parallel()
	needRuntimes(t)
	state := filepath.Join(t.TempDir(), "state")
	dir, err := statedir.Open(state, statedir.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for i, code := range []string{"x = 1", "x + 1"} {
		var out, errs strings.Builder
		std := streams{in: strings.NewReader(""), out: &out, err: &errs}
		args := []string{"exec", "--state", state, "--session", "s", "--cache-dir", filepath.Join(cache, "graflow-wasm"), "-c", code}
		if got := execute(args, std); got != exitSucceeded || out.String() != []string{"", "2\n"}[i] {
			t.Errorf("%s: got exit code %d, stdout %q, stderr %s", code, got, &out, &errs)
		}
	}
}

// TestPrintableWriter splits text everywhere, also within characters.
func TestPrintableWriter(t *testing.T) {
	t.Parallel()
	const text = "plain \x1b[31mred\x07 é € 😀 \r\n\tend \xff\xf0\x9f."
	const want = "plain \\x1b[31mred\\x07 é € 😀 \\x0d\n\tend \ufffd\ufffd."
	for size := 1; size <= len(text); size++ {
		var got strings.Builder
		w := &printableWriter{w: &got}
		for rest := text; rest != ""; {
			part := rest[:min(size, len(rest))]
			rest = rest[len(part):]
			if n, err := io.WriteString(w, part); n != len(part) || err != nil {
				t.Fatalf("got %d, %v", n, err)
			}
		}
		if !utf8.ValidString(got.String()) || strings.ReplaceAll(got.String(), "\ufffd\ufffd\ufffd", "\ufffd\ufffd") != want {
			t.Errorf("in parts of %d: got %q, want %q", size, got.String(), want)
		}
	}
}
