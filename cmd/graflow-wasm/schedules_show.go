package main

import (
	"fmt"
	"io"

	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/spf13/cobra"
)

func newSchedulesShow(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a schedule, and when it is due",
		Example: "  graflow-wasm schedules show nightly -o json",
		Args:    arguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return where.withSchedules(cmd.Context(), fmt.Sprintf("show schedule %q", args[0]), func(all scheduling) error {
			s, err := all.Show(cmd.Context(), args[0])
			if err != nil {
				return noSuchSchedule(err)
			}
			p, err := planOf(s, s.Next.Add(-1))
			if err != nil {
				return err
			}
			if format.value == "json" {
				return writeJSON(std.out, p)
			}
			writeSchedule(std.out, p, where)
			return nil
		})
	}
	return cmd
}

func writeSchedule(w io.Writer, p plan, where *clusterFlags) {
	fmt.Fprintf(w, "schedule %s: %s\n", oneLine(p.Name), oneLine(whenText(p.Schedule)))
	fmt.Fprintf(w, "runs: %s\n", oneLine(targetText(p.Target)))
	if p.Input != nil {
		fmt.Fprintf(w, "input: %s\n", oneLine(string(p.Input)))
	}
	fmt.Fprintf(w, "overlap: %s; missed: %s\n", p.Overlap, p.Missed)
	fmt.Fprintf(w, "so far: %d begun, %d skipped\n", p.Begun, p.Skipped)
	if p.LastRun != "" {
		fmt.Fprintf(w, "see its last run: graflow-wasm runs show %s%s\n", shellQuote(oneLine(p.LastRun)), where.where())
	}
	if p.Fault != "" {
		fmt.Fprintf(w, "fault: %s\n", oneLine(p.Fault))
	}
	writeUpcoming(w, p, where)
}

// targetText says what a schedule runs.
func targetText(t ops.Target) string {
	switch {
	case t.Flow != "":
		return "flow " + t.Flow
	case t.Module != "":
		return "module " + t.Module + "#" + t.Export
	case t.Source != "":
		return "a flow file, as it was"
	}
	return "a graph, as it was"
}

// writeUpcoming writes the times that come.
func writeUpcoming(w io.Writer, p plan, where *clusterFlags) {
	switch {
	case p.Paused:
		fmt.Fprintf(w, "it is paused: graflow-wasm schedules resume %s%s\n", shellQuote(oneLine(p.Name)), where.where())
	case len(p.Upcoming) == 0:
		fmt.Fprintln(w, "it is not due again")
	default:
		fmt.Fprintln(w, "due next:")
	}
	for _, t := range p.Upcoming {
		fmt.Fprintf(w, "  %s %s\n", timeIn(p.Schedule, t), inZone(p.Schedule, t).Weekday())
	}
}
