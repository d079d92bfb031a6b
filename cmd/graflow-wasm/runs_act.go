package main

import (
	"context"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/spf13/cobra"
)

func newRunsCancel(std streams, where *placeFlags) *cobra.Command {
	var message string
	o := driveFlags{}
	cmd := &cobra.Command{
		Use:   "cancel RUN",
		Short: "Cancel a run that has not ended",
		Long: `Cancel stops what runs, begins nothing else but rollbacks, and ends the run as
canceled. Of a run that nobody drives, the rollbacks are run here.`,
		Example: "  graflow-wasm runs cancel deploy-7 --message 'wrong version'",
		Args:    runArguments(cobra.ExactArgs(1)),
	}
	o.format = outputFlag(cmd, "text", "json")
	f := cmd.Flags()
	f.StringVar(&message, "message", "", "why, for who reads the run")
	f.StringVar(&o.cacheDir, "cache-dir", "", "where compiled modules are kept (default: graflow-wasm in the user's cache directory)")
	o.secrets.addTo(f)
	o.docker.addTo(f, policyOfOperator)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.place = *where
		if err := o.check(); err != nil {
			return err
		}
		if err := where.existing(); err != nil {
			return err
		}
		ctx, deed := cmd.Context(), "cancel run "+args[0]
		cancel := func() error {
			return withRuns(ctx, where, deed, func(r runs) error { return r.Cancel(ctx, args[0], message) })
		}
		if !where.isFar() {
			cancel = func() error { return cancelHere(ctx, deed, args[0], message, o) }
		}
		if err := cancel(); err != nil {
			return err
		}
		return writeSteered(std, o.format, args[0], string(engine.StatusCanceled))
	}
	return cmd
}

// cancelHere cancels a run of a state directory, and runs its rollbacks here if nobody
// else drives it.
func cancelHere(ctx context.Context, deed, run, message string, flags driveFlags) error {
	return withDriver(ctx, deed, flags, false, func(s *session) error {
		if err := s.desk.Cancel(ctx, run, message); err != nil {
			return refused(failed(deed, err))
		}
		_, err := s.local.Settle(ctx) // its rollbacks
		return failed(deed, err)
	}, func(c *control.Client) error { return c.Cancel(ctx, run, message) })
}

func newRunsPause(std streams, where *placeFlags) *cobra.Command {
	var message string
	cmd := &cobra.Command{
		Use:   "pause RUN",
		Short: "Pause a run by hand",
		Long: `Pause lets the attempts of a run end that are running, and begins nothing new
until runs resume lets the run go on.`,
		Example: "  graflow-wasm runs pause deploy-7 --message 'the network is down'",
		Args:    runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringVar(&message, "message", "", "why, for who reads the run")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := withRuns(cmd.Context(), where, "pause run "+args[0], func(r runs) error {
			return r.Hold(cmd.Context(), args[0], message)
		})
		if err != nil {
			return err
		}
		return writeSteered(std, format, args[0], string(engine.StatusPaused))
	}
	return cmd
}

func newRunsRm(std streams, where *placeFlags) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "rm RUN…",
		Short:   "Remove runs and all that is kept of them",
		Long:    "Rm removes journal, channel, blobs and logs of runs that have ended.",
		Example: "  graflow-wasm runs rm deploy-6 deploy-7",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&force, "force", false, "also of a run that has not ended, which is canceled first where it goes on, or that can't be read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, run := range args {
			if err := checkRunArgument(cmd, run); err != nil {
				return err
			}
		}
		return withRuns(cmd.Context(), where, "remove run", func(r runs) error {
			for ; len(args) > 0; args = args[1:] { // not again what was removed, if this is called again
				if err := r.Delete(cmd.Context(), args[0], force); err != nil {
					return err
				}
				if err := writeSteered(std, format, args[0], "removed"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}
