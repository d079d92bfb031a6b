package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/statedir"
	"github.com/spf13/cobra"
)

func newRuns(std streams) *cobra.Command {
	var where placeFlags
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "List, show and steer kept runs",
		Long: `Runs works on the runs that ` + "`graflow-wasm run --state DIR`" + ` keeps in DIR, or on
those of a cluster, or of a server's that is asked. While a process has DIR open, what is asked goes to that process;
else it is done here. On a cluster the process does it that drives the run.

resume, retry and fork go on with a run to its end, or until it is paused, with the
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
		newRunsFork(std, &where), newRunsExport(std, &where), newRunsFiles(std, &where), newRunsReceipt(std, &where), newRunsRm(std, &where),
	)
	return cmd
}

// runs is what can be done with the runs of a place without driving them: here, or
// in the process that has the directory open.
type runs interface {
	Show(ctx context.Context, run string) (control.Story, error)
	Events(ctx context.Context, run string) ([]*engine.Event, error)
	Export(ctx context.Context, run, checkpoint string) ([]byte, error)
	OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error)
	Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error)
	Cancel(ctx context.Context, run, message string) error
	Hold(ctx context.Context, run, message string) error
	Delete(ctx context.Context, run string, force bool) error
}

var (
	_ runs = (*control.Desk)(nil)
	_ runs = (*control.Client)(nil)
)

// withRuns does something with the runs of a place. Its errors begin with the
// deed.
func withRuns(ctx context.Context, where *placeFlags, deed string, f func(runs) error) error {
	if err := where.existing(); err != nil {
		return err
	}
	if where.onServer() {
		s, err := askSession(driveFlags{place: *where})
		if err != nil {
			return failed(deed, err)
		}
		defer s.Close() //nolint:contextcheck // closing has no context to end by
		return refused(failed(deed, f(s.runs)))
	}
	if where.onCluster() {
		s, err := joinSession(ctx, driveFlags{place: *where}, false)
		if err != nil {
			return failed(deed, err)
		}
		defer s.Close() //nolint:contextcheck // closing has no context to end by
		return refused(failed(deed, f(s.runs)))
	}
	return where.state.at(ctx, deed, func(dir *statedir.Dir) error { //nolint:contextcheck // closing has no context to end by
		s, err := openReader(dir, *where)
		if err != nil {
			return failed(deed, err)
		}
		defer s.Close()
		return refused(failed(deed, f(s.runs)))
	}, func(c *control.Client) error { return f(c) })
}

// withDriver is withRuns for what may drive runs: it calls here with a session
// that can, or there with the process that has the directory open. It makes a
// directory that is not there. begins tells that another run may begin, whose graph
// is checked first: of a cluster no more is done here.
func withDriver(ctx context.Context, deed string, flags driveFlags, begins bool, here func(*session) error, there func(*control.Client) error) error {
	if flags.place.isFar() {
		s, err := farSession(ctx, flags, begins)
		if err != nil {
			return failed(deed, err)
		}
		defer s.Close() //nolint:contextcheck // closing has no context to end by
		return here(s)
	}
	return flags.place.state.at(ctx, deed, func(dir *statedir.Dir) error {
		s, err := newSession(ctx, deed, flags, dir)
		if err != nil {
			return err
		}
		defer s.Close() //nolint:contextcheck // closing has no context to end by
		return here(s)
	}, there)
}

// farSession is a session on a cluster, or on the runs of a server.
func farSession(ctx context.Context, flags driveFlags, begins bool) (*session, error) {
	if flags.place.onServer() {
		return askSession(flags)
	}
	return joinSession(ctx, flags, begins)
}

// at calls here with the directory, or there with the process that has it open. If
// that ends before it answers, another is looked for.
func (s *stateFlags) at(ctx context.Context, deed string, here func(*statedir.Dir) error, there func(*control.Client) error) error {
	for end := time.Now().Add(openFor); ; {
		dir, client, err := s.open(ctx)
		if err != nil {
			return failed(deed, err)
		}
		if dir != nil {
			return here(dir)
		}
		err = there(client)
		client.Close()
		if !errors.Is(err, control.ErrUnanswered) || time.Now().After(end) {
			return refused(failed(deed, err))
		}
	}
}
