package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

type code Cluster

var _ ops.Code = (*code)(nil)

// Run implements ops.Code. Config.CodeAtOnce of them run at a time; others are
// refused with ops.ErrLimited.
func (c *code) Run(ctx context.Context, r ops.CodeRequest) (ops.CodeResult, error) {
	options, language, err := codeOptions(r)
	if err != nil {
		return ops.CodeResult{}, err
	}
	leave, err := c.enter()
	if err != nil {
		return ops.CodeResult{}, err
	}
	defer leave()
	return c.execute(ctx, language, r.Source, options)
}

// enter takes a place for a run of code, which leave gives back.
func (c *code) enter() (leave func(), err error) {
	select {
	case c.code <- struct{}{}:
		return func() { <-c.code }, nil
	default:
		return nil, fmt.Errorf("%w: %d runs of code go on; ask again", ops.ErrLimited, cap(c.code))
	}
}

// execute runs code, and tells what it came to.
func (c *code) execute(ctx context.Context, language script.Language, source string, options script.Options) (ops.CodeResult, error) {
	var stdout, stderr bytes.Buffer // the sandbox bounds them
	options.Stdout, options.Stderr = &stdout, &stderr
	result, err := c.config.Sandbox.Run(ctx, language, source, options)
	failure, ofCode := errors.AsType[*script.Error](err)
	if err != nil && !ofCode {
		return ops.CodeResult{}, codeFault(err)
	}
	told := ops.CodeResult{
		Status: "succeeded", Result: result.Value,
		Stdout: strings.ToValidUTF8(stdout.String(), "\ufffd"), Stderr: strings.ToValidUTF8(stderr.String(), "\ufffd"),
	}
	if told.Ledger, err = json.Marshal(result.Ledger); err != nil {
		return told, err
	}
	for _, f := range result.Files {
		if told.Files == nil {
			told.Files = map[string][]byte{}
		}
		told.Files[f.Name] = f.Data
	}
	if failure != nil {
		told.Status, told.Result = "failed", nil
		told.Error = &ops.CodeError{
			Kind: failure.Kind, Type: failure.Type, Message: failure.Message,
			Line: failure.Line, Column: failure.Column, Traceback: failure.Traceback,
		}
	}
	return told, nil
}

// codeOptions reads what code is to be given.
func codeOptions(r ops.CodeRequest) (script.Options, script.Language, error) {
	language, ok := languageOf(r.Language)
	if !ok {
		return script.Options{}, "", invalid("the code", "language", fmt.Sprintf("%q: want one of %q", r.Language, script.Languages()))
	}
	limits, err := scripts.ParseLimits(r.Limits)
	if err != nil {
		return script.Options{}, "", invalid("the code", "limits", err.Error())
	}
	o := script.Options{File: r.File, Limits: limits, Files: r.Files, FilesOut: r.FilesOut}
	if r.Input != nil {
		o.Input = r.Input
	}
	return o, language, nil
}

func languageOf(name string) (script.Language, bool) {
	for _, l := range script.Languages() {
		if string(l) == name {
			return l, true
		}
	}
	return "", false
}

// codeFault is the error of a run that did not take place: the caller's, unless the
// program lacks something.
func codeFault(err error) error {
	for _, ours := range []error{wasmhost.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ours) {
			return err
		}
	}
	if errors.Is(err, script.ErrSession) {
		return conflict("%w; delete it, or give another name", err)
	}
	if script.IsMissing(err) {
		return fmt.Errorf("%w: %w", ops.ErrUnavailable, err)
	}
	return invalid("the code", "", err.Error())
}
