package examples_test

import (
	"encoding/json"
	"errors"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/runtimes"
)

// TestExec runs snippets of 13-llm-code by the command; the example itself runs all of
// them in one process.
func TestExec(t *testing.T) {
	t.Parallel()
	for _, name := range []string{runtimes.Python, runtimes.JavaScript} {
		if _, err := runtimes.Open(name); errors.As(err, new(*runtimes.MissingError)) && os.Getenv("CI") == "" {
			t.Skipf("THE EXAMPLE IS NOT TESTED: %v", err)
		}
	}
	for _, file := range []string{"python/01_sales_pivot.py", "javascript/02_log_parser.js", "typescript/07_calculator.ts"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			input, value, stdout := expected(t, file)
			out, errs, code := execute(t, "exec", "--quiet", "--cache-dir", cache, "13-llm-code/"+file, "--input", input)
			printed, last := "", strings.TrimSuffix(out, "\n")
			if i := strings.LastIndex(last, "\n"); i >= 0 {
				printed, last = last[:i+1], last[i+1:]
			}
			if code != 0 || printed != stdout || !sameJSON(t, last, value) {
				t.Errorf("got exit code %d, stdout %q, stderr %q, want %q and %s", code, out, errs, stdout, value)
			}
		})
	}
	out, errs, code := execute(t, "exec", "--cache-dir", cache, "13-llm-code/hostile/never_stops.py", "--timeout", "500ms")
	if code != 5 || out != "started\n" || !strings.Contains(errs, "timeout") {
		t.Errorf("code without end: got exit code %d, stdout %q, stderr %q, want 5 and what it printed", code, out, errs)
	}
}

// expected is what expected.json says of a snippet: its input and value, as JSON, and
// what it prints.
func expected(t *testing.T, file string) (input, value, stdout string) {
	t.Helper()
	raw, err := os.ReadFile(path.Join("13-llm-code", path.Dir(file), "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		File         string
		Input, Value json.RawMessage
		Stdout       []string
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.File == path.Base(file) {
			for _, line := range e.Stdout {
				stdout += line + "\n"
			}
			return string(e.Input), string(e.Value), stdout
		}
	}
	t.Fatalf("%s: nothing is expected of it", file)
	return "", "", ""
}

// sameJSON compares documents, in which spaces do not count.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var values [2]any
	for i, text := range []string{a, b} {
		if err := json.Unmarshal([]byte(text), &values[i]); err != nil {
			t.Errorf("%q is not JSON: %v", text, err)
			return false
		}
	}
	first, err := json.Marshal(values[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(values[1])
	return err == nil && string(first) == string(second)
}
