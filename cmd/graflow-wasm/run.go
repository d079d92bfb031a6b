package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/spf13/cobra"
)

// runOptions are the flags of `run`.
type runOptions struct {
	input       string
	set         []string
	id          string
	timeout     time.Duration
	concurrency int
	format      *choice
	raw         bool
	noColor     bool
	quiet       bool
	cacheDir    string
	secrets     secretFlags
	store       secrets.Store // what they open
	sandbox     *sandboxFlags
}

func newRun(std streams) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run TARGET",
		Short: "Run a flow file, or one task of a module",
		Long: `Run runs TARGET and prints its output, as JSON, on stdout. TARGET is

  NAME.flow.yaml         a flow file
  FILE.wasm[#EXPORT]     a module; without #EXPORT its only task, or a WASI command
  DIR[#EXPORT]           a directory with the source of a Go guest, built first

Progress is on stderr: a live tree on a terminal, plain lines elsewhere. Ctrl-C
cancels the run; a second one stops at once.

Exit codes: 0 succeeded, 1 the run failed, 2 bad usage or invalid input,
3 canceled, 5 timeout or limit.`,
		Example: `  graflow-wasm run hello.flow.yaml --set name=Ada
  graflow-wasm run flow.yaml --input @input.json -o json | jq .tasks
  echo '"some text"' | graflow-wasm run tool.wasm --input - --raw
  graflow-wasm run ./guest#resize --mount ./images:/in --mount ./out:/out:rw \
      --input '"/in/a.png"' --memory 64MiB --fuel 1e9 --timeout 10s
  graflow-wasm run fetch.wasm --http api.example.com --secret api-key`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	o.format = outputFlag(cmd, "text", "json", "events")
	o.addFlags(cmd)
	cmd.InitDefaultHelpFlag()
	general := newFlagGroup("Flags")
	general.Flags().AddFlagSet(cmd.Flags())
	o.sandbox = newSandboxFlags(cmd)
	groupUsage(cmd, general, o.sandbox.limits, o.sandbox.grants)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), std, args[0], o) }
	return cmd
}

func (o *runOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.input, "input", "", "the run's input: JSON, @FILE, or - for stdin")
	f.StringArrayVar(&o.set, "set", nil, "put key=value into the input; JSON if it parses, else text; dots nest (repeatable)")
	f.StringVar(&o.id, "id", "", "the run's id (default: a new one)")
	f.DurationVar(&o.timeout, "timeout", 0, "bound of the whole run, as 10s or 5m; a bare module's task ends with it")
	f.IntVar(&o.concurrency, "concurrency", 0, fmt.Sprintf("tasks that run at once; 1 is strictly first in, first out (default: the engine's, here on %d CPUs)", runtime.NumCPU()))
	f.BoolVar(&o.raw, "raw", false, "print an output that is a string without quotes")
	f.BoolVar(&o.noColor, "no-color", false, "no colors in the live tree; NO_COLOR does the same")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress, only errors")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.secrets.addTo(f)
}

func (o *runOptions) check() error {
	switch {
	case o.timeout < 0:
		return usagef("run: --timeout %s: want a positive duration", o.timeout)
	case o.concurrency < 0:
		return usagef("run: --concurrency %d: want 1 or more", o.concurrency)
	}
	return nil
}

// run does all of `graflow-wasm run`.
func run(ctx context.Context, std streams, name string, o runOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	input, err := inputOf(std.in, o.input, o.set)
	if err != nil {
		return err
	}
	t, err := resolve(name, o.sandbox)
	if err != nil {
		return err
	}
	if err := t.flow.checkInput(input); err != nil {
		return err
	}
	if o.store, err = o.secrets.store(); err != nil {
		return err
	}
	if err := checkGranted(ctx, o.store, o.sandbox.secrets); err != nil {
		return err
	}
	if t.graph, err = withTimeout(t.graph, o.timeout); err != nil {
		return err
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	return t.run(ctx, std, name, input, o, signals)
}

// run checks the target's graph against the handlers, and runs it.
func (t target) run(ctx context.Context, std streams, name string, input json.RawMessage, o runOptions, signals *interrupt) error {
	watch := newWatch(std, t.graph, o)
	defer watch.Close()
	w, err := newWiring(ctx, wiringConfig{
		cacheDir: o.cacheDir, concurrency: o.concurrency, observe: watch.Observe, secrets: o.store,
	})
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	defer w.Close() //nolint:contextcheck // closing has no context to end by
	if err := w.engine.Check(ctx, t.graph); err != nil {
		if signals.Hit() != "" {
			return &exitError{Code: exitCanceled, Err: fmt.Errorf("run %s: canceled before it started", name)}
		}
		return t.flow.locate(name, err)
	}
	// From here on a signal cancels the run, not the context of its end.
	ctx = context.WithoutCancel(ctx)
	running, err := w.engine.Start(ctx, t.graph, engine.Start{ID: o.id, Input: input})
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	signals.Then(func(signal string) { _ = running.Cancel("canceled by " + signal) }) // fails only if it has ended
	outcome, err := running.Wait(ctx)
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	watch.Close()
	return finish(std, name, outcome, watch.Tasks(), o)
}
