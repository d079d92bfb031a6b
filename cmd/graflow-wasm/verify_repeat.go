package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/receipt"
	"github.com/graflow/graflow-wasm/wasmhost"
)

var _ wasm.Registry = codeByDigest{}

// Resolve implements wasm.Registry: there are no names.
func (c codeByDigest) Resolve(_ context.Context, ref string) (string, error) {
	return "", fmt.Errorf("%q: %w", ref, wasm.ErrNoModule)
}

// Open implements wasm.Registry.
func (c codeByDigest) Open(_ context.Context, digest string) (io.ReadCloser, error) {
	code, ok := c[digest]
	if !ok {
		return nil, fmt.Errorf("%s: %w", digest, wasm.ErrNoModule)
	}
	return io.NopCloser(bytes.NewReader(code)), nil
}

// repeat runs the graph again, and compares.
func (c *verifying) repeat(ctx context.Context) (err error) {
	host, cacheDir, err := newHostWith(ctx, c.o.cacheDir, wasmhost.Probe{}, c.o.bounds)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close(context.WithoutCancel(ctx))) }()
	modules := wasm.Config{Registry: c.code, Modules: wasm.NoFiles{}, CheckSchema: flowfile.CheckSchema}
	c.o.bounds.modules(&modules)
	w, err := newWasm(host, cacheDir, nil, modules)
	if err != nil {
		return err
	}
	s, err := newScripts(host, wiringConfig{bounds: c.o.bounds}) //nolint:contextcheck // it lives as long as the host
	if err != nil {
		return err
	}
	b, err := builtin.New(builtin.Config{CheckSchema: flowfile.CheckSchema})
	if err != nil {
		return err
	}
	again, err := receipt.Repeat(ctx, receipt.Repetition{
		Receipt: c.p, Graph: c.graph, Input: c.input, Answers: c.o.ahead, Concurrency: c.o.concurrency, CheckSchema: flowfile.CheckSchema,
		Handlers: map[string]engine.Handler{"wasm": w, "script": s, "builtin": b},
	})
	if _, refused := errors.AsType[*engine.BuildError](err); refused { // its digest is that of the receipt: it was run elsewhere
		c.miss("run", "it can't be run again here: "+oneLine(err.Error()))
		c.v.Verdict, c.v.NotRun = verdictUnverified, true
		return nil
	}
	if err != nil {
		return fmt.Errorf("run it again: %w", err)
	}
	c.conclude(again)
	return nil
}

// excuse tells of a task that it has less here than it may have had.
func (c *verifying) excuse(t *receipt.Task) string {
	if p := c.o.bounds.policy; p.Cuts(t.Handler, t.Limits) {
		return "the policy " + p.File + " gives it less than it asks for; verify it where it may have that"
	}
	return ""
}

func (c *verifying) conclude(again *receipt.Repeated) {
	v := c.v
	for at, what := range again.Missing {
		c.miss(at, what)
	}
	v.Unsorted = again.Unordered
	v.Comparison = receipt.Compare(c.p, &again.Statement.Predicate, len(again.Missing) > 0, c.excuse)
	for at, why := range v.Excused {
		c.miss(at, "what came otherwise says nothing: "+why)
	}
	switch {
	case len(v.Differences) > 0:
		v.Verdict = verdictDiffers
	case len(v.Unverified) > 0 || v.Missing["run"] != "":
		v.Verdict = verdictUnverified
	default: // what is missing is what can't be repeated, and nothing follows from it
		v.Verdict, v.Missing = verdictHolds, nil
	}
}
