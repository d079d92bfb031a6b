package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/spf13/cobra"
)

// execOptions are the flags of `exec`.
type execOptions struct {
	source  execSource
	input   string
	timeout time.Duration
	files   []string // NAME=PATH, below /in
	out     string   // directory; "": what is in /out is not saved
	with    []string
	session execSession
	format  *choice
	json    bool
	raw     bool
	quiet   bool
	cache   string
	limits  execLimits
	grants  execGrants
	policy  policyFlags
}

func newExec(std streams) *cobra.Command {
	var o execOptions
	cmd := &cobra.Command{
		Use:   "exec [FILE | -c CODE | -] [-- ARG…]",
		Short: "Run code that nobody trusts, once and with limits",
		Long: `Exec runs Python, JavaScript or TypeScript in a sandbox of its own, which has nothing
of this machine: no files, no network, no variables, but what flags give it.

What the code prints comes as it comes. Then its value is printed, as one line of JSON,
if it has one: the global result, else what its function main returned, else its last
expression. So stdout is the value alone if the code prints nothing, and the value is
its last line in any case; -o json puts both into one document instead.

The code finds --input as input, files of --file below /in, and ARGs in sys.argv or
process.argv. What it writes below /out is saved with --out.

With --server URL a server runs the code, and what it prints comes at its end. It has
--input, --file, limits and sessions there, and no grants, ARGs and modules of --with:
these are refused.

With --session NAME the next code finds what this one has defined. Sessions are kept in
a state directory, or with --nats on a cluster, for code on any machine. With --server
they are the server's, for your token alone.

An error is told with its traceback, and in one line that begins with error:. Ctrl-C
ends the code at once.

Exit codes: 0 succeeded, 1 the code failed, 2 bad usage or invalid input, 3 canceled,
5 timeout or limit, 6 the cluster does not answer.`,
		Example: `  graflow-wasm exec -c 'sum(input)' --input '[1, 2, 3]'
  graflow-wasm exec report.py --input @orders.json --file rates.csv=./rates-2026.csv --out ./plots
  llm "count the words" | graflow-wasm exec - --language python --timeout 2s --memory 64MiB
  graflow-wasm exec fetch.ts --http api.example.com -o json | jq .value
  graflow-wasm exec main.py --with ./lib --with six-1.17.0-py2.py3-none-any.whl -- --verbose
  graflow-wasm exec --session notes -c 'x = 41'
  graflow-wasm exec --session notes -c 'x + 1'
  graflow-wasm exec --session notes --reset
  graflow-wasm exec sessions ls`,
	}
	o.addFlags(cmd)
	cmd.InitDefaultHelpFlag()
	general, place := newFlagGroup("Flags"), newFlagGroup("Where the code runs, and sessions are")
	general.Flags().AddFlagSet(cmd.Flags())
	o.session.place.addTo(place.Flags(), "keep the session in a `DIR`, made if it is not there (default: $"+stateVariable+", else graflow-wasm in the user's cache directory)")
	place.addTo(cmd)
	place.Flags().Lookup("server").Usage = "run the code on the server at `URL`, as https://host:7070, or in a directory (default: $" + remoteVariable + ")"
	place.Flags().Lookup("nats").Usage = "keep the session on the cluster at `URL`, as an owner of it (default: $" + clusterVariable + ")"
	groupUsage(cmd, general, place, o.limits.addTo(cmd), o.grants.addTo(cmd))
	completeExec(cmd)
	cmd.Args = arguments(o.source.take)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return execCode(cmd.Context(), std, o) }
	cmd.AddCommand(newExecSessions(std))
	return cmd
}

func (o *execOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	o.source.addTo(f)
	f.StringVar(&o.input, "input", "", "what the code finds as input: JSON, @FILE, or - for stdin")
	f.DurationVar(&o.timeout, "timeout", script.DefaultLimits().Timeout, "bound of the code's time, as 300ms or 5m")
	f.StringArrayVar(&o.with, "with", nil, "a `DIR`, wheel or zip file to import from (repeatable)")
	f.StringArrayVar(&o.files, "file", nil, "a file that the code finds below /in, as `[NAME=]PATH` (repeatable)")
	f.StringVar(&o.out, "out", "", "save what the code writes below /out in a `DIR`, made if it is not there")
	f.StringVar(&o.session.name, "session", "", "the `NAME` of the session that the code goes on with, begun if it is not there")
	f.BoolVar(&o.session.reset, "reset", false, "with --session: begin it anew; without code, only forget it")
	o.format = outputFlag(cmd, "text", "json")
	f.BoolVar(&o.json, "json", false, "the same as -o json")
	f.BoolVar(&o.raw, "raw", false, "print a value that is a string without quotes")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "on stderr only what the code prints, and errors")
	o.policy.addTo(f, boundsOfOperator)
	o.policy.addIsolationTo(f)
	f.StringVar(&o.cache, "cache-dir", "", "where compiled interpreters are kept (default: graflow-wasm in the user's cache directory)")
}

// check reads what the flags say, before anything is begun.
func (o *execOptions) check() error {
	if o.timeout <= 0 {
		return usagef("exec: --timeout %s: want a duration above 0", o.timeout)
	}
	if o.json {
		o.format.value = "json"
	}
	if o.source.stdin && o.input == "-" {
		return usagef("exec: the code and --input can't both be read from stdin; put one into a file")
	}
	if err := checkFilesDir("--out", o.out); o.out != "" && err != nil {
		return err
	}
	if err := o.session.check(); err != nil {
		return err
	}
	return o.checkThere()
}

// execCode does all of `graflow-wasm exec`.
func execCode(ctx context.Context, std streams, o execOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.session.reset && !o.source.given() {
		return o.session.forget(ctx, std, o.quiet)
	}
	code, err := o.source.read(std.in)
	if err != nil {
		return err
	}
	options, err := o.script(std)
	if err != nil {
		return err
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	signals.Say("ending the code; a second one stops at once")
	if o.session.place.onServer() {
		return o.runThere(ctx, std, code, options, signals)
	}
	b, err := o.bounds(&options)
	if err != nil {
		return err
	}
	host, _, err := newHostWith(ctx, o.cache, wasmhost.Probe{}, b)
	if err != nil {
		return err
	}
	defer host.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to be told
	sandbox, err := newSandbox(host, b)          //nolint:contextcheck // it lives as long as the command
	if err != nil {
		return err
	}
	kept, err := o.session.open(ctx)
	if err != nil {
		return err
	}
	defer kept.Close()
	err = o.run(ctx, std, &execution{sandbox: sandbox, session: kept, code: code, options: options})
	if err == nil || signals.Hit() == "" {
		return err
	}
	if told, ok := errors.AsType[*exitError](err); ok && told.Err == nil {
		return &exitError{Code: exitCanceled}
	}
	return &exitError{Code: exitCanceled, Err: fmt.Errorf("exec %s: %w", o.source.title(), context.Cause(ctx))}
}

// bounds hold the code to the policy.
func (o *execOptions) bounds(options *script.Options) (*bounds, error) {
	in, err := o.policy.read(policy.Own(), nil)
	if err != nil {
		return nil, err
	}
	if options.Grants, err = in.Grant(options.Grants); err != nil {
		return nil, usagef("exec: %w", err)
	}
	b, err := newBounds(in, nil, o.policy.quarantine.path(), "")
	return b, usage(err)
}

// newSandbox has no limits but those of the code and of its bounds.
func newSandbox(host *wasmhost.Host, b *bounds) (*script.Sandbox, error) {
	config := script.Config{Host: host}
	b.sandbox(&config)
	sandbox, err := script.New(config)
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	return sandbox, nil
}

// execution is code on its way.
type execution struct {
	sandbox *script.Sandbox
	session *openedSession
	code    string
	options script.Options

	language script.Language
}

// run runs the code, keeps what it left, and prints what it came to.
func (o *execOptions) run(ctx context.Context, std streams, e *execution) error {
	var err error
	if e.language, err = o.source.languageIn(e.session.language()); err != nil {
		return err
	}
	if err := o.prepare(ctx, std, e); err != nil {
		return err
	}
	e.options.Session = e.session.state()
	out := o.streams(std)
	e.options.Stdout, e.options.Stderr, e.options.Services.Log = out.stdout, out.stderr, out.log
	result, err := e.sandbox.Run(ctx, e.language, e.code, e.options)
	failure, ofCode := errors.AsType[*script.Error](err)
	if err != nil && !ofCode {
		return faultOfExec(err)
	}
	keepErr := e.session.keep(context.WithoutCancel(ctx))
	saved, saveErr := o.save(result.Files)
	if err := o.tell(std, out, e.language, result, failure, saved); err != nil {
		return fmt.Errorf("exec %s: write the result: %w", o.source.title(), err)
	}
	if err := errors.Join(keepErr, saveErr); err != nil {
		return fmt.Errorf("exec %s: %w", o.source.title(), err)
	}
	if failure != nil {
		return &exitError{Code: codeOfExec(failure)}
	}
	return nil
}

// prepareSilently is how long the interpreter may take to be ready without a word: it
// takes some seconds when its compiled code is not in the cache.
const prepareSilently = time.Second

// prepare gets the interpreter ready, which is no part of the code's time.
func (o *execOptions) prepare(ctx context.Context, std streams, e *execution) error {
	if isTerminal(std.err) && !o.quiet {
		saying := time.AfterFunc(prepareSilently, func() {
			fmt.Fprintf(std.err, "graflow-wasm: compiling the interpreter of %s, once\n", e.language)
		})
		defer saying.Stop()
	}
	if err := e.sandbox.Prepare(ctx, e.language); err != nil {
		return faultOfExec(err)
	}
	return nil
}

// faultOfExec is the error of a run that did not take place: the caller's, unless the
// program lacks something.
func faultOfExec(err error) error {
	if errors.Is(err, script.ErrSession) {
		return usagef("exec: %w\nBegin it anew with --reset, or give another name", err)
	}
	if script.IsMissing(err) || errors.Is(err, wasmhost.ErrClosed) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("exec: %w", err)
	}
	return usagef("exec: %w", err)
}

// codeOfExec is the exit code of code that failed. A limit is one that the sandbox has,
// whatever kind the code may name.
func codeOfExec(e *script.Error) int {
	for _, limit := range []error{wasmhost.ErrTimeout, wasmhost.ErrMemory, wasmhost.ErrFuel, wasmhost.ErrStack, wasmhost.ErrHostCalls, wasmhost.ErrOutputTooLarge} {
		if errors.Is(e, limit) {
			return exitLimit
		}
	}
	if e.Kind == wasmhost.KindMemory && e.Unwrap() == nil { // of the interpreter's own finding
		return exitLimit
	}
	return exitFailed
}
