package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/spf13/cobra"
)

func newSchedules(std streams) *cobra.Command {
	var where clusterFlags
	cmd := &cobra.Command{
		Use:   "schedules",
		Short: "Have a cluster begin runs at times",
		Long: `Schedules begin runs by themselves: by a cron expression in a time zone, at an
interval, or once. The servers of a cluster keep them, and its workers that drive
runs: each time has one run, whichever of them are there, and however they end.`,
		Example: `  graflow-wasm schedules add nightly report.flow.yaml --cron "0 6 * * *" --zone Europe/Berlin
  graflow-wasm schedules ls
  graflow-wasm schedules trigger nightly`,
		Args: subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SuggestionsMinimumDistance = 2
	where.addAllTo(cmd.PersistentFlags(), "the cluster at `URL`, or of the server in a directory", "the cluster of the server at `URL`, as https://host:7070, or in a directory")
	cmd.AddCommand(
		newSchedulesAdd(std, &where, cmd.PersistentFlags()), newSchedulesLs(std, &where), newSchedulesShow(std, &where), newSchedulesPause(std, &where, true),
		newSchedulesPause(std, &where, false), newSchedulesTrigger(std, &where), newSchedulesRm(std, &where),
	)
	return cmd
}

// scheduling is what commands about schedules do things with.
type scheduling struct {
	ops.Schedules

	modules cluster.Registry
}

// withSchedules does something with the schedules of the cluster. Errors begin with the
// deed.
func (c *clusterFlags) withSchedules(ctx context.Context, deed string, f func(scheduling) error) error {
	remote, err := c.onServer()
	switch {
	case err != nil:
		return err
	case remote:
		return failed(deed, c.withServer(func(s ops.Service) error {
			return flagged(f(scheduling{s.Schedules, remoteRegistry{s.Modules}}))
		}))
	}
	return c.with(ctx, deed, func(bus *natsbus.Bus) error {
		return refused(onBus(ctx, bus, func(s scheduling) error { return flagged(f(s)) }))
	})
}

// onBus does something with the schedules of the cluster that a bus is of.
func onBus(ctx context.Context, bus *natsbus.Bus, f func(scheduling) error) error {
	return busService(ctx, bus, func(s ops.Service) error { return f(scheduling{s.Schedules, cluster.NewRegistry(bus)}) })
}

// scheduleFlag are the flags of what may be wrong with a schedule.
var scheduleFlag = map[string]string{"cron": "--cron", "time_zone": "--zone", "every": "--every", "at": "--at", "overlap": "--overlap", "missed": "--missed", "input": "--input", "name": "NAME"}

// flagged is an error whose faults are at flags, and bad usage.
func flagged(err error) error {
	invalid, ok := errors.AsType[*ops.Invalid](err)
	if !ok {
		return err
	}
	var lines []string
	for _, f := range invalid.Faults {
		text := f.Message
		if flag := scheduleFlag[f.Where]; flag != "" {
			text = flag + ": " + text
		} else if f.Where != "" && !strings.HasPrefix(f.Where, "target") {
			text = f.Where + ": " + text
		}
		lines = append(lines, text)
	}
	if len(lines) == 0 {
		return usage(err)
	}
	return usage(errors.New(strings.Join(lines, "\n")))
}

// noSuchSchedule tells how to find a schedule's name.
func noSuchSchedule(err error) error {
	if errors.Is(err, engine.ErrNotFound) && ops.Status(err) == http.StatusNotFound {
		return usagef("%w; `graflow-wasm schedules ls` lists those that there are", err)
	}
	return err
}

func newSchedulesLs(std streams, where *clusterFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List schedules",
		Long: `Ls lists schedules by name: when they are due, and next; how many runs they have
begun, and how many times were skipped; the last run; and why it could not begin, if
so.`,
		Example: "  graflow-wasm schedules ls -o json | jq 'select(.fault)'",
		Args:    arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return where.withSchedules(cmd.Context(), "list schedules", func(s scheduling) error {
			all, err := s.List(cmd.Context())
			if err != nil {
				return err
			}
			return writeSchedules(std.output(), all, format.value)
		})
	}
	return cmd
}

func writeSchedules(w *term.Output, all []ops.Schedule, format string) error {
	if format == "json" {
		return writeJSONLines(w, all)
	}
	t := term.NewTable(
		term.Column{Title: "NAME", Min: 8}, term.Column{Title: "WHEN", Rank: 1, Min: 10}, term.Column{Title: "NEXT", Min: 16},
		term.Column{Title: "BEGUN", Rank: 3}, term.Column{Title: "LAST RUN", Rank: 4, Min: 12}, term.Column{Title: "", Rank: 2, Min: 10},
	)
	for _, s := range all {
		counts := fmt.Sprintf("%d begun", s.Begun)
		if s.Skipped > 0 {
			counts += fmt.Sprintf(", %d skipped", s.Skipped)
		}
		note := term.Cell{Text: s.Fault, Look: term.Bad}
		t.Add(term.Text(s.Name), term.Text(whenText(s)), nextCell(s), term.Text(counts), term.Text(orDash(s.LastRun)), note)
	}
	return t.WriteTo(w)
}

// whenText says when a schedule is due.
func whenText(s ops.Schedule) string {
	switch {
	case s.Cron != "":
		return s.Cron + " " + s.Zone
	case s.Every != 0:
		return "every " + shortDuration(time.Duration(s.Every))
	case s.At.IsZero():
		return "-"
	}
	return "at " + timeIn(s, s.At)
}

// shortDuration leaves out units of which there are none.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func nextCell(s ops.Schedule) term.Cell {
	switch {
	case s.Paused:
		return term.Cell{Text: "paused", Look: term.Waits}
	case s.Next.IsZero():
		return term.Cell{Text: "never again", Look: term.Faint}
	}
	return term.Text(timeIn(s, s.Next))
}

// timeIn is a time as the clocks of the schedule's zone show it.
func timeIn(s ops.Schedule, t time.Time) string {
	return inZone(s, t).Format("2006-01-02 15:04:05 -0700")
}

// inZone is a time in the schedule's zone, without one the user's.
func inZone(s ops.Schedule, t time.Time) time.Time {
	if s.Cron == "" {
		return t.Local()
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone)
}
