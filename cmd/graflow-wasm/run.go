package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
)

// runOptions are the flags of `run`.
type runOptions struct {
	driveFlags

	input   string
	set     []string
	id      runID
	key     string
	timeout time.Duration
	sandbox *sandboxFlags
	reach   ociFlags
}

func newRun(std streams) *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run TARGET",
		Short: "Run a flow file, one task of a module, or code",
		Long: `Run runs TARGET and prints its output, as JSON, on stdout. TARGET is

  NAME.flow.yaml         a flow file
  FILE.wasm[#EXPORT]     a module; without #EXPORT its only task, or a WASI command
  DIR[#EXPORT]           a directory with the source of a Go guest, built first
  oci://HOST/REPO:TAG[#EXPORT]   a module in a registry of container images
  FILE.py, .js or .ts    code, as one task in the sandbox; see also exec
  flow:NAME[@VERSION]    a flow that a cluster keeps, see flows put

Progress is on stderr: a live tree on a terminal, plain lines elsewhere. Ctrl-C
cancels the run; a second one stops at once.

With --state DIR the run is kept in DIR: it survives the end of this process,
also by kill -9, and ` + "`graflow-wasm runs`" + ` lists it and goes on with it. An --id that
DIR has goes on with that run, or, if that has ended, tells its output again.

With --nats URL a cluster does the run, and this process follows it; with --detach it
leaves at once. With --server URL a server's HTTP API is asked for the same. A run that is stored goes on without this process.

A run that waits for an answer ends with exit code 4 and tells how to go on. On a
terminal and without --state or --nats it asks there instead.

Exit codes: 0 succeeded, 1 the run failed, 2 bad usage or invalid input,
3 canceled, 4 paused, 5 timeout or limit, 6 the cluster does not answer.`,
		Example: `  graflow-wasm run hello.flow.yaml --set name=Ada
  graflow-wasm run flow.yaml --input @input.json -o json | jq .tasks
  echo '"some text"' | graflow-wasm run tool.wasm --input - --raw
  graflow-wasm run ./guest#resize --mount ./images:/in --mount ./out:/out:rw \
      --input '"/in/a.png"' --memory 64MiB --fuel 1e9 --timeout 10s
  graflow-wasm run fetch.wasm --http api.example.com --secret api-key
  graflow-wasm run report.py --input @orders.json --timeout 10s --memory 128MiB
  graflow-wasm run deploy.flow.yaml --state ./state --id deploy-7
  graflow-wasm run deploy.flow.yaml --answer approve=true
  graflow-wasm run deploy.flow.yaml --nats nats://host:4222 --nkey submitter.nk --detach`,
		Args: arguments(cobra.ExactArgs(1)),
	}
	o.addFlags(cmd)
	cmd.InitDefaultHelpFlag()
	general, cluster := newFlagGroup("Flags"), newFlagGroup("Cluster")
	general.Flags().AddFlagSet(cmd.Flags())
	o.place.cluster.addTo(cluster.Flags(), "have the run done by the cluster at `URL`, as nats://host:4222")
	o.place.cluster.remote.addTo(cluster.Flags(), "have the run done by the server at `URL`, as https://host:7070, or in a directory")
	cluster.addTo(cmd)
	o.sandbox = newSandboxFlags(cmd)
	groupUsage(cmd, general, cluster, o.sandbox.limits, o.sandbox.grants)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), std, args[0], o) }
	return cmd
}

func (o *runOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.input, "input", "", "the run's input: JSON, @FILE, or - for stdin")
	f.StringArrayVar(&o.set, "set", nil, "put key=value into the input; JSON if it parses, else text; dots nest (repeatable)")
	f.Var(&o.id, "id", "the run's id (default: a new one)")
	f.StringVar(&o.key, "idempotency-key", "", "with --state, --nats or --server: one `KEY`, one run, however often this is called")
	o.place.state.addTo(f, "keep the run in a `DIR`, made if it is not there (default: $"+stateVariable+", else nothing is kept)")
	f.DurationVar(&o.timeout, "timeout", 0, "bound of the whole run, as 10s or 5m; a bare module or script ends with it")
	o.reach.addTo(f)
	o.receipt.addTo(f)
	o.addTo(cmd)
}

func (o *runOptions) check() error {
	if o.timeout < 0 {
		return usagef("run: --timeout %s: want a positive duration", o.timeout)
	}
	if err := o.driveFlags.check(); err != nil || o.key == "" {
		return err
	}
	switch {
	case o.id != "":
		return usagef("run: --id and --idempotency-key: either names the run; give one of them")
	case !o.place.kept():
		return usagef("run: --idempotency-key: a run that is not kept is not found again: give --state DIR or --nats URL, or --server URL")
	}
	o.id = runID(cluster.IDOfKey(o.key))
	return nil
}

// run does all of `graflow-wasm run`.
func run(ctx context.Context, std streams, name string, o runOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := o.receipt.check(&o, std.err); err != nil {
		return err
	}
	input, err := inputOf(std.in, o.input, o.set)
	if err != nil {
		return err
	}
	if isFlowFile(name) {
		o.flowDir = filepath.Dir(name)
	}
	t, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	if err := t.flow.checkInput(input); err != nil {
		return err
	}
	if !o.place.isFar() {
		if err := checkGranted(ctx, o.store, o.sandbox.secrets); err != nil {
			return err
		}
	}
	if t.graph, err = withTimeout(t.graph, o.timeout); err != nil {
		return err
	}
	if t.graph, err = o.receipt.seeded(t); err != nil {
		return usagef("run %s: %w", name, err)
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	if o.place.onServer() {
		return t.submit(ctx, std, name, input, o, signals)
	}
	return t.run(ctx, std, name, input, o, signals)
}

// find is the target of that name, wherever it is.
func (o *runOptions) find(ctx context.Context, name string) (target, error) {
	if ref, ok := strings.CutPrefix(name, storedPrefix); ok {
		return o.stored(ctx, ref)
	}
	local, err := fetched(ctx, name, o.cacheDir, o.reach)
	if err != nil {
		return target{}, failed("run "+name, err)
	}
	return resolve(local, o.sandbox, o.place.kept())
}

// run checks the target's graph against the handlers, and runs it, or goes on
// with the run of it that is there.
func (t target) run(ctx context.Context, std streams, name string, input json.RawMessage, o runOptions, signals *interrupt) error {
	s, err := openSession(ctx, "run "+name, o.driveFlags)
	if err != nil {
		return err
	}
	defer s.Close()   //nolint:contextcheck // closing has no context to end by
	if s.bus != nil { // by what runs there, not by what it is called here
		if err := t.publish(ctx, s, name, signals); err != nil {
			return err
		}
	}
	job := job{deed: "run " + name, run: string(o.id), graph: t.graph, flags: o.driveFlags, signals: signals, asks: o.input != "-"}
	if job.run != "" && s.place.kept() {
		h, err := t.past(ctx, s, job.run, input, o)
		switch {
		case err != nil:
			return fmt.Errorf("run %s: %w", name, err)
		case h != nil:
			there, _ := pastOf(h, nil)
			return s.again(ctx, std, job, there)
		}
	}
	if s.bus == nil {
		if err := t.check(ctx, s, name, signals); err != nil {
			return err
		}
	}
	if job.run == "" {
		job.run = ulid.Make().String()
	}
	job.begin = func(ctx context.Context) (drivenRun, error) {
		return s.drives(s.engine.Start(ctx, t.graph, engine.Start{ID: job.run, Input: input}))
	}
	return s.drive(ctx, std, job)
}

// check checks the target's graph against the handlers.
func (t target) check(ctx context.Context, s *session, name string, signals *interrupt) error {
	err := s.engine.Check(ctx, t.graph)
	if err != nil && signals.Hit() != "" {
		return &exitError{Code: exitCanceled, Err: fmt.Errorf("run %s: canceled before it started", name)}
	}
	return t.fault(name, err)
}

// publish checks the target's graph, and puts digests in place of its modules, which
// the cluster has then.
func (t *target) publish(ctx context.Context, s *session, name string, signals *interrupt) error {
	if err := t.flow.fitsElsewhere(name); err != nil {
		return err
	}
	err := t.check(ctx, s, name, signals)
	if err == nil {
		t.graph, err = cluster.Pin(ctx, cluster.NewRegistry(s.bus), localFiles{s.far.files}, t.graph)
		err = t.fault(name, err)
	}
	return err
}

// fault is what is wrong with the target's graph, at its place in the flow file. What
// the cluster did not do is no fault of it.
func (t target) fault(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, natsbus.ErrUnreachable), errors.Is(err, natsbus.ErrDenied):
		return fmt.Errorf("run %s: %w", name, err)
	case ofServer(err):
		return refused(fmt.Errorf("run %s: %w", name, err))
	}
	return t.flow.locate(name, err)
}

// past is the history of the run of that id, nil if there is none. It must be one
// of the same graph, with the same input.
func (t target) past(ctx context.Context, s *session, run string, input json.RawMessage, o runOptions) (*engine.History, error) {
	h, err := s.engine.History(ctx, run)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, refused(err)
	case h.Graph.Digest() != t.graph.Digest():
		return nil, usagef("run %q is kept already, and began with another graph: %s; this one is %s\n%s", run, h.Graph.Digest(), t.graph.Digest(), o.insteadOf(s, run))
	case !cluster.SameJSON(h.Input, input):
		return nil, usagef("run %q is kept already, and began with another input\n%s", run, o.insteadOf(s, run))
	}
	return h, nil
}

// insteadOf says what to do where another run has the id.
func (o *runOptions) insteadOf(s *session, run string) string {
	flag, on := "--id", "go on with it: "+s.resumeCommand(run)
	if o.key != "" {
		flag = "--idempotency-key"
	}
	if s.isFar() {
		on = "see how it stands: " + commandFor(&s.place, "show", run, "")
	}
	return "Give another " + flag + ", or " + on
}

// again goes on with a run that is kept, or tells again how it ended.
func (s *session) again(ctx context.Context, std streams, j job, there *pastRun) error {
	status := there.outcome.Status
	if j.flags.detach {
		return s.left(std, j, status)
	}
	if status != engine.StatusRunning && status != engine.StatusPaused {
		if !j.flags.quiet {
			fmt.Fprintf(std.err, "graflow-wasm: run %s ended at %s; nothing was done\n", j.run, there.ended.Format(time.RFC3339))
		}
		return s.writeReceipt(ctx, std, j, status, s.tell(ctx, std, j, there))
	}
	switch {
	case s.remote != nil: // which begins to follow it
		return s.drive(ctx, std, j)
	case s.bus != nil: // others drive it
		j.begin = func(ctx context.Context) (drivenRun, error) { return s.drives(s.engine.Follow(ctx, j.run)) }
		return s.drive(ctx, std, j)
	}
	j.past = there
	j.begin = func(ctx context.Context) (drivenRun, error) { return s.drives(s.engine.Recover(ctx, j.run)) }
	return s.drive(ctx, std, j)
}
