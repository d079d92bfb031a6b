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
	host, cacheDir, err := newHost(ctx, c.o.cacheDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, host.Close(context.WithoutCancel(ctx))) }()
	w, err := newWasm(host, cacheDir, nil, wasm.Config{Registry: c.code, Modules: wasm.NoFiles{}, CheckSchema: flowfile.CheckSchema})
	if err != nil {
		return err
	}
	s, err := newScripts(host, wiringConfig{}) //nolint:contextcheck // it lives as long as the host
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
	if err != nil {
		return fmt.Errorf("run it again: %w", err)
	}
	c.conclude(again)
	return nil
}

func (c *verifying) conclude(again *receipt.Repeated) {
	v := c.v
	for at, what := range again.Missing {
		c.miss(at, what)
	}
	v.Unsorted = again.Unordered
	v.Comparison = receipt.Compare(c.p, &again.Statement.Predicate, len(again.Missing) > 0)
	switch {
	case len(v.Differences) > 0:
		v.Verdict = verdictDiffers
	case len(v.Unverified) > 0 || v.Missing["run"] != "":
		v.Verdict = verdictUnverified
	default: // what is missing is what can't be repeated, and nothing follows from it
		v.Verdict, v.Missing = verdictHolds, nil
	}
}
