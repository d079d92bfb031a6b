package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/flowtest"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// testSecrets are those of a test file.
type testSecrets map[string]string

var _ secrets.Store = testSecrets{}

// Secret implements secrets.Store.
func (s testSecrets) Secret(_ context.Context, name string) ([]byte, error) {
	if err := secrets.CheckName(name); err != nil {
		return nil, err
	}
	value, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("secret %q: %w: the test file has none of that name; write it into its secrets", name, secrets.ErrNotFound)
	}
	return []byte(value), nil
}

// testJob is one case.
type testJob struct {
	file   *flowtest.File
	c      *flowtest.Case
	runner *flowtest.Runner
	result **flowtest.Result
}

// run runs the cases of all files, several at once.
func (o *testOptions) run(ctx context.Context, files []*flowtest.File) ([]flowtest.FileReport, error) {
	host, cacheDir, err := newHostWith(ctx, o.cacheDir, wasmhost.Probe{}, o.bounds)
	if err != nil {
		return nil, err
	}
	defer func() { _ = host.Close(context.WithoutCancel(ctx)) }() // nothing is left to be told
	reports := make([]flowtest.FileReport, len(files))
	var jobs []testJob
	for i, f := range files {
		runner, containers, err := o.runner(f, host, cacheDir) //nolint:contextcheck // it lives as long as the host
		if err != nil {
			return nil, err
		}
		if containers != nil {
			defer func() { _ = containers.Close() }() //nolint:contextcheck // closing has no context to end by
		}
		reports[i] = flowtest.FileReport{File: f.Name, Flow: f.Graph.Name(), Cases: []*flowtest.Result{}}
		cases := o.selected(f)
		reports[i].Cases = make([]*flowtest.Result, len(cases))
		for n, c := range cases {
			jobs = append(jobs, testJob{f, c, runner, &reports[i].Cases[n]})
		}
	}
	if len(jobs) == 0 {
		return nil, usagef("test: no case matches --run %q", o.only)
	}
	if err := o.each(ctx, jobs); err != nil {
		return nil, err
	}
	for i, f := range files {
		if err := o.conclude(f, &reports[i]); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// runner executes the tasks of a file that have no mock.
func (o *testOptions) runner(f *flowtest.File, host *wasmhost.Host, cacheDir string) (*flowtest.Runner, *docker.Handler, error) {
	c := wiringConfig{secrets: testSecrets(f.Secrets), docker: o.docker, flowDir: filepath.Dir(f.Flow.Name), bounds: o.bounds}
	modules := wasm.Config{CheckSchema: flowfile.CheckSchema}
	o.bounds.modules(&modules)
	w, err := newWasm(host, cacheDir, c.secrets, modules)
	if err != nil {
		return nil, nil, err
	}
	containers, d := newDocker(c, cacheDir, w)
	s, err := newScripts(host, c)
	if err != nil {
		return nil, nil, err
	}
	handlers, err := handlersWith(w, containers, s)
	if err != nil {
		return nil, nil, err
	}
	quiet := slog.New(slog.DiscardHandler) // what a task's fault does is for the case to say
	return flowtest.New(flowtest.Config{Handlers: handlers, CheckSchema: flowfile.CheckSchema, Logger: quiet}), d, nil
}

func (o *testOptions) selected(f *flowtest.File) []*flowtest.Case {
	var cases []*flowtest.Case
	for _, c := range f.Cases {
		if o.pattern.MatchString(c.Name) {
			cases = append(cases, c)
		}
	}
	return cases
}

// each runs the jobs, in order, as many at once as the flag says.
func (o *testOptions) each(ctx context.Context, jobs []testJob) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next atomic.Int64
	var mu sync.Mutex // guards errs
	var errs []error
	var wait sync.WaitGroup
	for range min(cmp.Or(o.parallel, runtime.NumCPU()), len(jobs)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(jobs)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				j := jobs[i]
				result, err := j.runner.Run(ctx, j.file, j.c)
				if err == nil {
					*j.result = result
					continue
				}
				cancel()
				mu.Lock()
				errs = append(errs, testFault(j.file.Name, err))
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if len(errs) > 0 {
		return errs[0] // the others were canceled for it
	}
	return nil
}

// conclude adds to a report what follows from all its cases, and updates the file.
func (o *testOptions) conclude(f *flowtest.File, r *flowtest.FileReport) error {
	if len(r.Cases) == len(f.Cases) {
		r.Faults = f.Unused(r.Cases)
	}
	if o.cover {
		var all flowtest.Coverage
		for _, c := range r.Cases {
			all.Add(c.Cover)
		}
		cover := all.Report()
		r.Cover = &cover
	}
	if !o.update {
		return nil
	}
	source, changed, err := f.Update(r.Cases)
	if err != nil {
		return testFault(f.Name, err)
	}
	if changed == 0 {
		return nil
	}
	if err := replace(f.Name, source, 0o644); err != nil {
		return fmt.Errorf("test %s: write what came: %w", f.Name, err)
	}
	for _, c := range r.Cases {
		if len(c.Faults) == 0 && !c.Passed {
			c.Passed, c.Updated = true, true
		}
	}
	return nil
}

// testFault is bad usage: what is wrong with a test file or its flow, each fault with
// its place.
func testFault(name string, err error) error {
	var faults flowfile.Errors
	var pathError *os.PathError
	var build *engine.BuildError
	switch {
	case errors.As(err, &faults):
		what := "test file " + name
		if faults[0].File != name && !strings.HasPrefix(faults[0].File, name) {
			what = "flow file " + faults[0].File
		}
		return usage(fmt.Errorf("check %s:\n%w", what, faults))
	case errors.As(err, &pathError), errors.As(err, &build):
		return usage(fmt.Errorf("test %s: %w", name, err))
	}
	return fmt.Errorf("test %s: %w", name, err)
}
