package main

import (
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/spf13/cobra"
)

func newRunsWatch(std streams, where *placeFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch RUN",
		Short: "Follow a run until it has ended or is paused",
		Long: `Watch tells what has happened in a run, then what happens, until the run has ended
or is paused; its exit code is then that of the run. Ctrl-C ends the watching, not
the run.`,
		Example: "  graflow-wasm runs watch deploy-7 -o json | jq -r .type",
		Args:    runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		show := plain{w: std.out}
		return withRuns(ctx, where, "watch run "+args[0], func(r runs) error {
			recorder := engine.NewRecorder()
			var lost error
			outcome, err := r.Follow(ctx, args[0], func(n engine.Notice) {
				recorder.Observe(n)
				if format.value != "json" {
					show.Observe(n)
				} else if err := writeJSON(std.out, n); err != nil && lost == nil {
					lost = err
				}
			})
			if err != nil {
				return err
			}
			code := codeOf(outcome, recorder.Tasks())
			if code == exitSucceeded {
				return lost
			}
			return &exitError{Code: code, Err: errors.New(printable(sayOutcome(outcome, code, where)))}
		})
	}
	return cmd
}

// steered is what a command prints that has done something to a run.
type steered struct {
	Run    string `json:"run"`
	Status string `json:"status"`
}

func writeSteered(std streams, format *choice, run, status string) error {
	if format.value == "json" {
		return writeJSON(std.out, steered{run, status})
	}
	fmt.Fprintf(std.out, "%s: %s\n", oneLine(run), status)
	return nil
}
