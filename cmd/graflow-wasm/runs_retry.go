package main

import (
	"context"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
)

func newRunsRetry(std streams, where *placeFlags) *cobra.Command {
	var o driveFlags
	var from, input string
	cmd := &cobra.Command{
		Use:   "retry RUN",
		Short: "Do again what failed in a run",
		Long: `Retry goes on with a run that has ended: its failed and stopped tasks are done
again, what had succeeded stays so. --from does a task again, and all that follows
it, whether it succeeded or not; --input gives that task another input.`,
		Example: `  graflow-wasm runs retry deploy-7
  graflow-wasm runs retry deploy-7 --from build --input '{"fast": true}'`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	o.addTo(cmd)
	cmd.Flags().StringVar(&from, "from", "", "the `TASK` from which to go on")
	cmd.Flags().StringVar(&input, "input", "", "the input of that task: JSON, @FILE, or - for stdin")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.place.of(where)
		if err := o.check(); err != nil {
			return err
		}
		value, err := readInput(std.in, "input", input)
		if err != nil {
			return err
		}
		if value != nil && from == "" {
			return usagef("retry run %s: --input is for one task: name it with --from", args[0])
		}
		return retry(cmd.Context(), std, args[0], engine.RetryFrom{Task: from, Input: value}, o)
	}
	return cmd
}

func retry(ctx context.Context, std streams, run string, from engine.RetryFrom, o driveFlags) error {
	deed := "retry run " + run
	if err := o.place.existing(); err != nil {
		return err
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	return withDriver(ctx, deed, o, false, func(s *session) error {
		return s.goOn(ctx, std, job{
			deed: deed, run: run, flags: o, signals: signals,
			begin: func(ctx context.Context) (drivenRun, error) { return s.desk.Retry(ctx, run, from) },
		}, run)
	}, func(c *control.Client) error { return elsewhere(std, o, run, c.Retry(ctx, run, from)) })
}

func newRunsFork(std streams, where *placeFlags) *cobra.Command {
	var o driveFlags
	var id runID
	var point pointFlags
	cmd := &cobra.Command{
		Use:   "fork RUN",
		Short: "Begin another run from a checkpoint of a run",
		Long: `Fork begins a run of its own from a point of a run, which stays as it is: from its
last checkpoint, one by name, or after an event of its journal.`,
		Example: `  graflow-wasm runs fork deploy-7 --checkpoint built --id deploy-8
  graflow-wasm runs fork deploy-7 --at 42`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	o.addTo(cmd)
	point.addTo(cmd)
	cmd.Flags().Var(&id, "id", "the id of the other run (default: a new one)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.place.of(where)
		if err := o.check(); err != nil {
			return err
		}
		at, err := point.name()
		if err != nil {
			return err
		}
		if id == "" {
			id = runID(ulid.Make().String())
		}
		return fork(cmd.Context(), std, args[0], at, string(id), o)
	}
	return cmd
}

func fork(ctx context.Context, std streams, run, at, id string, o driveFlags) error {
	deed := "fork run " + run
	if err := o.place.existing(); err != nil {
		return err
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	return withDriver(ctx, deed, o, true, func(s *session) error {
		return s.goOn(ctx, std, job{
			deed: deed, run: id, flags: o, signals: signals,
			begin: func(ctx context.Context) (drivenRun, error) { return s.desk.Fork(ctx, run, at, id) },
		}, run)
	}, func(c *control.Client) error {
		_, err := c.Fork(ctx, run, at, id)
		return elsewhere(std, o, id, err)
	})
}

// pointFlags name a point of a run's journal.
type pointFlags struct {
	checkpoint string
	at         uint64
}

func (p *pointFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.checkpoint, "checkpoint", "", "the `NAME` of a checkpoint (default: the run's last)")
	cmd.Flags().Uint64Var(&p.at, "at", 0, "the point after the event of that `SEQ`uence, as runs show --events tells it")
}

// name is the point as the engine has it.
func (p *pointFlags) name() (string, error) {
	if p.at > 0 && p.checkpoint != "" {
		return "", usagef("--checkpoint or --at, not both")
	}
	if p.at > 0 {
		return fmt.Sprintf("#%d", p.at), nil
	}
	return p.checkpoint, nil
}
