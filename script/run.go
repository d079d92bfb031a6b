package script

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// task is the export of a runtime that runs code.
const task = "run"

// Run runs code and returns when it has ended; it may be called concurrently. The
// failure of code or of its limits is an [*Error], with Files and Ledger set in the
// Result. Other errors are the caller's: an interpreter that is missing
// (*runtimes.MissingError), an input that can't be encoded, tools that are not
// well-formed, a bundle that can't be read, a session that is not for this run
// (ErrSession), a sandbox that was closed (wasmhost.ErrClosed).
func (s *Sandbox) Run(ctx context.Context, l Language, code string, options Options) (Result, error) {
	options.File = cmp.Or(options.File, l.file())
	r, err := s.newRun(ctx, l, options)
	if err != nil {
		return Result{}, fmt.Errorf("run %s: %w", options.File, err)
	}
	var result Result
	if err = r.quarantined(code); err == nil {
		result, err = r.do(ctx, code)
		r.account(code, err)
	}
	if failure := (*Error)(nil); err != nil && !errors.As(err, &failure) {
		err = fmt.Errorf("run %s: %w", options.File, err)
	}
	return result, err
}

// run is one run on its way.
type run struct {
	sandbox  *Sandbox
	module   *wasmhost.Module
	runtime  string
	language Language
	options  Options
	tools    *toolbox
	with     []wasmhost.Mount // bundles
	path     []string         // where they are found
}

// newRun checks what a run is given, and has its interpreter ready.
func (s *Sandbox) newRun(ctx context.Context, l Language, options Options) (*run, error) {
	r := &run{sandbox: s, runtime: l.runtime(), language: l, options: options}
	if err := l.check(); err != nil {
		return nil, err
	}
	if err := options.checkPlaces(); err != nil {
		return nil, err
	}
	var err error
	if r.tools, err = s.newToolbox(options.Tools, options.Services.Tools); err != nil {
		return nil, err
	}
	if r.with, r.path, err = s.bundles.mounts(options.With); err != nil {
		return nil, err
	}
	if r.module, err = s.module(ctx, l, options.Isolated); err != nil {
		return nil, err
	}
	return r, nil
}

// do runs the code.
func (r *run) do(ctx context.Context, code string) (Result, error) {
	types, err := r.erase(ctx, code)
	if err != nil {
		result := Result{}
		types.account(&result.Ledger)
		return result, err
	}
	document, err := r.program(code, types)
	if err != nil {
		return Result{}, err
	}
	call := r.callOptions()
	types.leave(&call.Limits)
	if session := r.options.Session; session != nil {
		if err := session.begin(r, &call); err != nil {
			return Result{}, err
		}
	}
	export := task
	if r.module.Describe().ABI == wasmhost.ABIWASICommand {
		if export, document, err = r.prebuilt(document); err != nil {
			return Result{}, err
		}
	}
	given, err := r.module.Call(ctx, export, document, call)
	if session := r.options.Session; session != nil {
		err = session.end(r, given, err)
	}
	types.account(&given.Ledger)
	return r.result(given, err)
}

// result makes what a caller sees of what the host did.
func (r *run) result(given wasmhost.Result, err error) (Result, error) {
	result := Result{Ledger: given.Ledger, Files: r.files(given.Files)}
	if len(r.tools.made) > 0 {
		result.ToolCalls = r.tools.made
	}
	var trap *wasmhost.TrapError
	switch {
	case errors.As(err, &trap):
		return result, r.trapped(trap, given.Output)
	case err != nil:
		return result, err
	}
	var o outcome
	if err := json.Unmarshal(given.Output, &o); err != nil {
		return result, r.failure(Error{Kind: wasmhost.KindInvalidOutput, Message: fmt.Sprintf("the code broke what the runtime answers: %v", err)})
	}
	if failure := o.failure(); failure != nil {
		return result, r.failure(*failure)
	}
	result.Value = o.Value
	if len(result.Value) == 0 {
		result.Value = json.RawMessage("null")
	}
	return result, nil
}

// failure is an error of the run's code.
func (r *run) failure(e Error) *Error {
	e.File = cmp.Or(e.File, r.options.File)
	return &e
}

// trapped is the failure of a run that the host ended, or whose code chose the kind; then
// the runtime may have told more of it.
func (r *run) trapped(trap *wasmhost.TrapError, output json.RawMessage) *Error {
	e := Error{}
	var o outcome
	if len(output) > 0 && json.Unmarshal(output, &o) == nil && o.Error != nil && o.Error.Kind == trap.Kind {
		e = *o.failure()
	}
	e.Kind, e.Message, e.cause = trap.Kind, trap.Message, trap
	e.Permanent, e.RetryAfter = trap.Permanent, trap.RetryAfter
	return r.failure(e)
}

// files are those of /out, by their names in it.
func (r *run) files(collected []wasmhost.File) []File {
	var files []File
	for _, f := range collected {
		files = append(files, File{Name: strings.TrimPrefix(f.Name, outDir+"/"), Data: f.Data})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files
}
