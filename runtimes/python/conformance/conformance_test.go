package conformance

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/runtimes"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

var update = flag.Bool("update", false, "write results.txt")

//go:embed run.py
var program string

// library is Python's own, of the sources that the runtime was compiled from.
const library = "../../../build/runtimes/src/python/Lib"

// modules are the tests that run, most of them of what code of language models uses.
var modules = append(slices.Clone(wanted), strings.Fields(`
	test_array test_ast test_base64 test_binascii test_bisect test_builtin
	test_calendar test_codecs test_configparser test_contextlib test_copy test_coroutines
	test_csv test_dict test_difflib test_email test_enumerate test_exceptions test_float
	test_format test_fractions test_fstring test_generators test_glob test_grammar test_graphlib
	test_gzip test_heapq test_hmac test_html test_int test_iter test_list test_long
	test_operator test_patma test_pprint test_random test_range test_scope test_secrets test_set
	test_shlex test_slice test_sort test_string test_strptime test_struct test_textwrap test_time
	test_tomllib test_tuple test_typing test_unicodedata test_urlparse test_uuid test_with
	test_xml_etree test_zipfile test_zlib test_zoneinfo`)...)

// wanted are the modules whose results have to be there.
var wanted = []string{
	"test_json", "test_re", "test_math", "test_datetime", "test_collections", "test_itertools",
	"test_functools", "test_decimal", "test_statistics", "test_dataclasses",
}

// outcome is what came of a module.
type outcome struct {
	Run        int               `json:"run"`
	Skipped    int               `json:"skipped"`
	Failed     map[string]string `json:"failed"` // why, by test
	Unexpected []string          `json:"unexpected"`
}

// TestConformance runs all modules and compares what came of them with results.txt.
func TestConformance(t *testing.T) { //nolint:paralleltest // it takes all processors, for minutes
	if os.Getenv("CONFORMANCE") == "" {
		t.Skip("NOT TESTED: it takes minutes; set CONFORMANCE=1")
	}
	if _, err := os.Stat(library); err != nil {
		t.Skipf("NOT TESTED: the sources are not there, run make runtimes: %v", err)
	}
	sandbox, err := script.New(script.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sandbox.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err := sandbox.Prepare(t.Context(), script.Python); errors.As(err, new(*runtimes.MissingError)) {
		t.Skipf("NOT TESTED: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	got := table(runAll(t, sandbox, tests(t)))
	if *update {
		if err := os.WriteFile("results.txt", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// tests is a bundle of the tests, and of modules that are only needed by them.
func tests(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "test"), os.DirFS(filepath.Join(library, "test"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"_pydatetime.py", "_pydecimal.py", "pydoc.py"} {
		text, err := os.ReadFile(filepath.Join(library, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runAll runs the modules, two at a time.
func runAll(t *testing.T, sandbox *script.Sandbox, bundle string) map[string]outcome {
	t.Helper()
	all := map[string]outcome{}
	var mu sync.Mutex // guards all
	var done sync.WaitGroup
	turns := make(chan struct{}, 2)
	for _, module := range modules {
		done.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			o, err := runModule(t, sandbox, bundle, module)
			if err != nil {
				t.Errorf("%s: %v", module, err)
			}
			mu.Lock()
			defer mu.Unlock()
			all[module] = o
		})
	}
	done.Wait()
	return all
}

func runModule(t *testing.T, sandbox *script.Sandbox, bundle, module string) (outcome, error) {
	t.Helper()
	begin := time.Now()
	result, err := sandbox.Run(t.Context(), script.Python, program, script.Options{
		Input: module, With: []string{bundle},
		Limits: wasmhost.Limits{Timeout: 15 * time.Minute, Memory: 1 << 30, LogBytes: 64 << 20},
	})
	if err != nil {
		return outcome{}, err
	}
	var o outcome
	err = result.Decode(&o)
	t.Logf("%s: %d run in %v", module, o.Run, time.Since(begin).Round(time.Millisecond))
	return o, err
}

// table is what came of all modules, to read and to compare.
func table(all map[string]outcome) string {
	var b, why strings.Builder
	run, passed := 0, 0
	fmt.Fprintf(&b, "%-20s %6s %8s %7s %7s\n", "", "tests", "skipped", "failed", "passed")
	for _, module := range modules {
		o := all[module]
		bad := len(o.Failed) + len(o.Unexpected)
		good := o.Run - o.Skipped - bad
		fmt.Fprintf(&b, "%-20s %6d %8d %7d %7d\n", module, o.Run, o.Skipped, bad, good)
		run, passed = run+o.Run-o.Skipped, passed+good
		var lines []string
		for test, reason := range o.Failed {
			lines = append(lines, fmt.Sprintf("%s\n    %s\n", test, brief(reason)))
		}
		slices.Sort(lines)
		why.WriteString(strings.Join(lines, ""))
	}
	fmt.Fprintf(&b, "\n%d of %d passed.\n", passed, run)
	if why.Len() > 0 {
		b.WriteString("\nFailed:\n\n" + why.String())
	}
	return b.String()
}

func brief(reason string) string {
	if r := []rune(reason); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return reason
}

// TestResults wants the results of the modules that are promised, of whose tests one in
// a hundred may fail at most.
func TestResults(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("results.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range wanted {
		var run, skipped, failed, passed int
		_, row, _ := strings.Cut(string(text), "\n"+module+" ")
		if _, err := fmt.Sscan(row, &run, &skipped, &failed, &passed); err != nil || failed > 0 || passed < 50 {
			t.Errorf("%s: got %d failed, %d passed, %v, want none of %d and 50 or more", module, failed, passed, err, run)
		}
	}
}
