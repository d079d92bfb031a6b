package main

import (
	"context"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/spf13/cobra"
)

func newRuns(std streams) *cobra.Command {
	var where stateFlags
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List, show and steer kept runs",
		Long: `Runs works on the runs that ` + "`graflow-wasm run --state DIR`" + ` keeps in DIR. While a
process has DIR open, what is asked goes to that process; else it is done here.

resume, retry and fork drive a run to its end, or until it is paused, with the
progress, the output and the exit codes of ` + "`graflow-wasm run`" + `.`,
		Example: `  graflow-wasm runs ls --state ./state --status paused
  graflow-wasm runs show deploy-7 --state ./state
  graflow-wasm runs resume deploy-7 approve true --state ./state
  graflow-wasm runs watch deploy-7 --state ./state`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addTo(cmd.PersistentFlags(), "the `DIR` in which runs are kept (default: $"+stateVariable+")")
	cmd.AddCommand(
		newRunsLs(std, &where), newRunsShow(std, &where), newRunsWatch(std, &where), newRunsLogs(std, &where),
		newRunsCancel(std, &where), newRunsPause(std, &where), newRunsResume(std, &where), newRunsRetry(std, &where),
		newRunsFork(std, &where), newRunsExport(std, &where), newRunsRm(std, &where),
	)
	return cmd
}

// runs is what can be done with the runs of a directory without driving them:
// here, or in the process that has it open.
type runs interface {
	List(ctx context.Context) ([]control.Summary, error)
	Show(ctx context.Context, run string) (control.Story, error)
	Events(ctx context.Context, run string) ([]*engine.Event, error)
	Export(ctx context.Context, run, checkpoint string) ([]byte, error)
	Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error)
	Hold(ctx context.Context, run, message string) error
	Delete(ctx context.Context, run string, force bool) error
}

var (
	_ runs = (*control.Desk)(nil)
	_ runs = (*control.Client)(nil)
)

// withRuns does something with the runs of a directory. Its errors begin with the
// deed.
func withRuns(ctx context.Context, where *stateFlags, deed string, f func(runs) error) error {
	if err := where.existing(); err != nil {
		return err
	}
	dir, client, err := where.open(ctx)
	if err != nil {
		return failed(deed, err)
	}
	var all runs = client
	if dir != nil {
		s, err := openReader(dir, *where)
		if err != nil {
			return failed(deed, err)
		}
		defer s.Close() //nolint:contextcheck // closing has no context to end by
		all = s.desk
	} else {
		defer client.Close()
	}
	if err := f(all); err != nil {
		return refused(failed(deed, err))
	}
	return nil
}

// withDriver is withRuns for what may drive runs: it calls here with a session
// that can, or there with the process that has the directory open.
func withDriver(ctx context.Context, deed string, flags driveFlags, here func(*session) error, there func(*control.Client) error) error {
	if err := flags.state.existing(); err != nil {
		return err
	}
	dir, client, err := flags.state.open(ctx)
	switch {
	case err != nil:
		return failed(deed, err)
	case client != nil:
		defer client.Close()
		if err := there(client); err != nil {
			return refused(failed(deed, err))
		}
		return nil
	}
	s, err := newSession(ctx, deed, flags, dir)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:contextcheck // closing has no context to end by
	return here(s)
}
