package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/graflow/graflow-wasm/internal/flowtest"
	"github.com/spf13/cobra"
)

// testOptions are the flags of `test`.
type testOptions struct {
	only     string
	update   bool
	verbose  bool
	cover    bool
	parallel int
	cacheDir string
	docker   dockerFlags
	policy   policyFlags
	format   *choice

	pattern *regexp.Regexp // what only is
	bounds  *bounds        // what policy says
}

func newTest(std streams) *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test FLOW…",
		Short: "Run the test cases of flows",
		Long: `Test runs the cases in NAME.test.yaml of NAME.flow.yaml, and tells what came otherwise
than expected. FLOW is a flow file, a test file, or a directory: then all test files
below it.

A case has an input, mocks in place of some tasks, answers to pauses, and what is
expected: status, output, error, tasks, channel, files. Tasks without a mock really
run, in their sandbox. Delays, timeouts and pauses pass at once, on a clock of the
case; secrets are those of the test file.

With --update what came is written into the test file as what is expected; read the
difference before you keep it. See docs/testing-flows.md for all that a test file has,
and ` + "`graflow-wasm schema --test`" + ` for editors.

Exit codes: 0 all cases pass, 1 a case fails, 2 a test file or a flow is wrong.`,
		Example: `  graflow-wasm test order.flow.yaml
  graflow-wasm test ./flows --cover
  graflow-wasm test order.flow.yaml --run 'declined|timeout' -v
  graflow-wasm test ./flows -o junit > results.xml
  graflow-wasm test order.flow.yaml --update`,
		Args: arguments(cobra.MinimumNArgs(1)),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.only, "run", "", "only the cases whose names match a `REGEXP`")
	f.BoolVar(&o.update, "update", false, "write what came into the test files, in the cases that fail or expect nothing")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell of the cases that pass too")
	f.BoolVar(&o.cover, "cover", false, "tell which tasks and edges no case has executed")
	f.IntVar(&o.parallel, "parallel", 0, "cases that run at once; 0 is one for each processor")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.policy.addTo(f, boundsOfOperator)
	o.docker.addTo(f, policyOfOperator)
	o.format = outputFlag(cmd, "text", "json", "junit")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return o.test(cmd.Context(), std, args) }
	return cmd
}

// test does all of `graflow-wasm test`.
func (o *testOptions) test(ctx context.Context, std streams, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	files, err := loadTests(args)
	if err != nil {
		return err
	}
	reports, err := o.run(ctx, files)
	if err == nil {
		err = o.report(std, reports)
	}
	if err != nil || !slices.ContainsFunc(reports, func(r flowtest.FileReport) bool { return !r.Passed() }) {
		return err
	}
	return &exitError{Code: exitFailed} // all has been said
}

func (o *testOptions) check() error {
	var err error
	if o.pattern, err = regexp.Compile(o.only); err != nil {
		return usagef("--run %q: %w", o.only, err)
	}
	if o.parallel < 0 {
		return usagef("--parallel %d: want 0 or more", o.parallel)
	}
	if err := o.docker.read(); err != nil {
		return err
	}
	o.bounds, err = o.policy.own(&o.docker)
	return err
}

// loadTests reads all test files that are meant, and tells all that is wrong with them.
func loadTests(args []string) ([]*flowtest.File, error) {
	var files []*flowtest.File
	var errs []error
	seen := map[string]bool{}
	for _, arg := range args {
		names, err := testFiles(arg)
		if err != nil {
			errs = append(errs, err)
		}
		for _, name := range names {
			if seen[filepath.Clean(name)] {
				continue
			}
			seen[filepath.Clean(name)] = true
			f, err := flowtest.Load(name)
			if err != nil {
				errs = append(errs, testFault(name, err))
				continue
			}
			files = append(files, f)
		}
	}
	return files, usage(errors.Join(errs...))
}

// testFiles are the names of those that an argument means.
func testFiles(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("test %s: no such file or directory", arg)
	case err != nil:
		return nil, fmt.Errorf("test %s: %w", arg, err)
	case !info.IsDir():
		name := flowtest.NameFor(arg)
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("test %s: it has no test file: write its cases into %s", arg, name)
		}
		return []string{name}, nil
	}
	var names []string
	err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && flowtest.IsTest(path) {
			names = append(names, path)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("test %s: there is no test file below it: their names end with .test.yaml", arg)
	}
	return names, err
}
