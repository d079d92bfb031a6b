package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newSchedulesPause(std streams, where *clusterFlags, paused bool) *cobra.Command {
	verb, short := "resume", "Let schedules go on that are paused"
	long := "Resume lets schedules begin runs again. Times at which they were paused are not missed."
	if paused {
		verb, short = "pause", "Have schedules begin nothing, until they are resumed"
		long = "Pause has schedules begin no runs until they are resumed. Runs that they have begun go on."
	}
	cmd := &cobra.Command{
		Use: verb + " NAME…", Short: short, Long: long,
		Example: "  graflow-wasm schedules " + verb + " nightly",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withSchedules(cmd.Context(), verb+" schedules", func(all scheduling) error {
			for _, name := range args {
				s, err := all.Pause(cmd.Context(), name, paused)
				switch {
				case err != nil:
					return noSuchSchedule(err)
				case format.value == "json":
					if err := writeJSON(std.out, s); err != nil {
						return err
					}
				default:
					fmt.Fprintf(std.out, "%s: %s\n", oneLine(s.Name), afterPause(nextCell(s).Text))
				}
			}
			return nil
		})
	}
	return cmd
}

// afterPause says what comes of a schedule.
func afterPause(next string) string {
	if next == "paused" || next == "never again" {
		return next
	}
	return "due next at " + next
}

func newSchedulesTrigger(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Begin a run of a schedule now",
		Long: `Trigger begins a run of a schedule now, of one that is paused too, and whatever run
of it goes on, and prints the run's id. Its times stay as they are; one at which this
run goes on overlaps it.`,
		Example: "  graflow-wasm runs watch \"$(graflow-wasm schedules trigger nightly)\"",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withSchedules(cmd.Context(), fmt.Sprintf("trigger schedule %q", args[0]), func(all scheduling) error {
			run, err := all.Trigger(cmd.Context(), args[0])
			if err != nil {
				return noSuchSchedule(err)
			}
			if format.value == "json" {
				return writeJSON(std.out, map[string]string{"run": run})
			}
			fmt.Fprintln(std.out, oneLine(run))
			return nil
		})
	}
	return cmd
}

func newSchedulesRm(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rm NAME…",
		Short:   "Remove schedules",
		Long:    "Rm removes schedules. Runs that they have begun stay, and go on.",
		Example: "  graflow-wasm schedules rm nightly",
		Args:    arguments(cobra.MinimumNArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withSchedules(cmd.Context(), "remove schedules", func(all scheduling) error {
			for _, name := range args {
				if err := all.Remove(cmd.Context(), name); err != nil {
					return noSuchSchedule(err)
				}
			}
			if format.value == "json" {
				return writeJSON(std.out, map[string]any{"removed": args})
			}
			fmt.Fprintf(std.out, "%s removed\n", countOf(len(args), "schedule", "schedules"))
			return nil
		})
	}
	return cmd
}
