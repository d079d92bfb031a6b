package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/pflag"
)

// checkThere refuses what code can't have that runs on a server.
func (o *execOptions) checkThere() error {
	if err := o.session.place.check(); err != nil || !o.session.place.onServer() {
		return err
	}
	granted := ""
	o.grants.group.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			granted = cmp.Or(granted, "--"+f.Name)
		}
	})
	const instead = "run it in a flow on the cluster, or here: --server ''"
	switch {
	case len(o.with) > 0:
		return usagef("exec: --with: a server has none of this machine's modules; %s", instead)
	case len(o.source.args) > 0:
		return usagef("exec: arguments are not passed to a server; give them as --input, or run it here: --server ''")
	case o.policy.given():
		return usagef("exec: --policy, --isolation, --quarantine-file: on a server they are the server's; %s", instead)
	case o.cache != "":
		return usagef("exec: --cache-dir: a server keeps compiled interpreters itself; leave it out, or run the code here: --server ''")
	case granted != "":
		return usagef("exec: %s: on a server code is granted nothing; %s", granted, instead)
	}
	return nil
}

// runThere has a server run the code, and prints what it came to.
func (o *execOptions) runThere(ctx context.Context, std streams, code string, options script.Options, signals *interrupt) error {
	language, err := o.languageThere(ctx)
	if err != nil {
		return err
	}
	request := ops.CodeRequest{Language: string(language), Source: code, File: options.File, Files: options.Files, FilesOut: options.FilesOut}
	if request.Limits, err = o.limitsThere(); err != nil {
		return err
	}
	if options.Input != nil {
		if request.Input, err = json.Marshal(options.Input); err != nil {
			return usagef("exec: encode the input: %w", err)
		}
	}
	var result ops.CodeResult
	err = o.session.place.cluster.withServer(func(s ops.Service) error {
		if o.session.name != "" {
			result, err = s.Sessions.Run(ctx, "", o.session.name, request, o.session.reset)
		} else {
			result, err = s.Code.Run(ctx, request)
		}
		return err
	})
	switch {
	case err != nil && signals.Hit() != "":
		return &exitError{Code: exitCanceled, Err: fmt.Errorf("exec %s: %w", o.source.title(), context.Cause(ctx))}
	case err != nil:
		return fmt.Errorf("exec: %w", err)
	}
	return o.tellThere(std, language, cmp.Or(request.File, "main."+sourceEnds[language]), result)
}

// languageThere is the language of the code. Where nothing else says it the server is
// asked for that of the session.
func (o *execOptions) languageThere(ctx context.Context) (script.Language, error) {
	var kept script.Language
	if o.session.name == "" || o.session.reset || o.source.language != "" || o.source.file != "" {
		return o.source.languageIn(kept)
	}
	err := o.session.place.cluster.withServer(func(s ops.Service) error {
		one, err := s.Sessions.Show(ctx, "", o.session.name)
		if errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		kept = script.Language(one.Language)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("exec: %w", err)
	}
	return o.source.languageIn(kept)
}

// sourceEnds are those of the files that code is called after which has no name.
var sourceEnds = map[script.Language]string{script.Python: "py", script.JavaScript: "js", script.TypeScript: "ts"}

// limitsThere are the limits as a flow file has them.
func (o *execOptions) limitsThere() (json.RawMessage, error) {
	doc := map[string]any{"timeout": o.timeout.String()}
	for key, a := range o.limits {
		if a.value > 0 {
			doc[key] = a.value
		}
	}
	return json.Marshal(doc)
}

// tellThere prints what code on a server came to, and saves its files.
func (o *execOptions) tellThere(std streams, language script.Language, file string, told ops.CodeResult) error {
	result, failure, err := resultOf(told)
	if err != nil {
		return fmt.Errorf("exec %s: what the server tells: %w", o.source.title(), err)
	}
	if failure != nil {
		failure.File = file
	}
	out := o.streams(std)
	_, outErr := io.WriteString(out.stdout, told.Stdout)
	_, errErr := io.WriteString(out.stderr, told.Stderr)
	saved, saveErr := o.save(result.Files)
	if err := errors.Join(outErr, errErr, o.tell(std, out, language, result, failure, saved)); err != nil {
		return fmt.Errorf("exec %s: write the result: %w", o.source.title(), err)
	}
	switch {
	case saveErr != nil:
		return fmt.Errorf("exec %s: %w", o.source.title(), saveErr)
	case failure == nil:
		return nil
	case !slices.Contains(limitKinds, failure.Kind):
		return &exitError{Code: exitFailed}
	}
	if flag := limitFlag[failure.Kind]; flag != "" && !o.quiet && o.format.value != "json" {
		fmt.Fprintf(std.err, "Raise the limit with --%s, as far as the server lets you, or give the code less to do\n", flag)
	}
	return &exitError{Code: exitLimit}
}

// limitFlag is the flag of the limit that a kind of error is of.
var limitFlag = map[string]string{
	engine.KindTimeout: "timeout", wasmhost.KindMemory: "memory", wasmhost.KindFuel: "fuel", wasmhost.KindStack: "stack",
	wasmhost.KindHostCalls: "host-calls", wasmhost.KindOutputTooLarge: "output-bytes",
}

// resultOf is what a server tells of code, as the sandbox here would.
func resultOf(told ops.CodeResult) (result script.Result, failure *script.Error, err error) {
	if result.Value = told.Result; len(result.Value) == 0 {
		result.Value = json.RawMessage("null")
	}
	if len(told.Ledger) > 0 {
		err = json.Unmarshal(told.Ledger, &result.Ledger)
	}
	for _, name := range slices.Sorted(maps.Keys(told.Files)) {
		result.Files = append(result.Files, script.File{Name: name, Data: told.Files[name]})
	}
	if e := told.Error; e != nil {
		failure = &script.Error{Kind: e.Kind, Type: e.Type, Message: e.Message, Line: e.Line, Column: e.Column, Traceback: e.Traceback}
	}
	return result, failure, err
}
