package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

// runFilter says which runs to list.
type runFilter struct {
	statuses, flows []string
	since           string
	limit           int
}

var runStatuses = []string{
	string(engine.StatusRunning), string(engine.StatusPaused), string(engine.StatusSucceeded), string(engine.StatusFailed),
	string(engine.StatusCanceled), string(control.StatusInterrupted), string(control.StatusUnreadable),
}

func newRunsLs(std streams, where *placeFlags) *cobra.Command {
	var filter runFilter
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List runs",
		Long: `Ls lists runs by id, which by default is the order in which they began. A run that
has not ended although nobody drives it was interrupted, as by kill -9: runs
resume goes on with it.

Of a cluster it lists first what has changed last.`,
		Example: `  graflow-wasm runs ls --status paused,interrupted
  graflow-wasm runs ls --flow deploy --since 24h -o json | jq -r .run`,
		Args: arguments(cobra.NoArgs),
	}
	format := outputFlag(cmd, "text", "json")
	f := cmd.Flags()
	f.StringSliceVar(&filter.statuses, "status", nil, "only these: "+strings.Join(runStatuses, ", "))
	f.StringSliceVar(&filter.flows, "flow", nil, "only of the flow of that `NAME`")
	f.IntVar(&filter.limit, "limit", 0, "at most so many (default: of a cluster 100, else all)")
	f.StringVar(&filter.since, "since", "", "only those that began since then: 24h, or a time as 2026-01-02T15:04:05Z")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		keep, err := filter.predicate(time.Now())
		if err != nil {
			return err
		}
		return withRuns(cmd.Context(), where, "list runs", func(r runs) error {
			all, more, err := filter.list(cmd.Context(), r, keep)
			if err != nil {
				return err
			}
			if more {
				fmt.Fprintf(std.err, "graflow-wasm: there are more than these %d; --limit has more told\n", len(all))
			}
			return writeRuns(std.output(), all, format.value)
		})
	}
	return cmd
}

// lister lists all runs of a state directory.
type lister interface {
	List(ctx context.Context) ([]control.Summary, error)
}

// querier lists runs of a cluster from its index, what has changed last first.
type querier interface {
	query(ctx context.Context, f runFilter, keep func(control.Summary) bool) (all []control.Summary, more bool, err error)
}

// list lists those that keep lets through, and tells whether there are more.
func (f runFilter) list(ctx context.Context, r runs, keep func(control.Summary) bool) (all []control.Summary, more bool, err error) {
	if q, ok := r.(querier); ok {
		return q.query(ctx, f, keep)
	}
	if l, ok := r.(lister); ok {
		all, err = l.List(ctx)
	}
	all = slices.DeleteFunc(all, func(s control.Summary) bool { return !keep(s) })
	if f.limit > 0 && len(all) > f.limit {
		all, more = all[:f.limit], true
	}
	return all, more, err
}

// predicate tells which runs the filter lets through.
func (f runFilter) predicate(now time.Time) (func(control.Summary) bool, error) {
	for _, s := range f.statuses {
		if !slices.Contains(runStatuses, s) {
			return nil, usagef("--status %q: want one of %s", s, strings.Join(runStatuses, ", "))
		}
	}
	if f.limit < 0 {
		return nil, usagef("--limit %d: want 1 or more", f.limit)
	}
	since, err := f.begin(now)
	if err != nil {
		return nil, err
	}
	return func(s control.Summary) bool {
		return (len(f.statuses) == 0 || slices.Contains(f.statuses, string(s.Status))) &&
			(len(f.flows) == 0 || slices.Contains(f.flows, s.Flow)) &&
			(since.IsZero() || !s.Started.Before(since))
	}, nil
}

// begin is the time from which on runs are listed.
func (f runFilter) begin(now time.Time) (time.Time, error) {
	if f.since == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(f.since); err == nil {
		return now.Add(-d), nil
	}
	since, err := time.Parse(time.RFC3339, f.since)
	if err != nil {
		return since, usagef("--since %q: want a duration as 24h, or a time as 2026-01-02T15:04:05Z", f.since)
	}
	return since, nil
}

func writeRuns(w *term.Output, all []control.Summary, format string) error {
	if format == "json" {
		return writeJSONLines(w, all)
	}
	t := term.NewTable(
		term.Column{Title: "RUN", Min: 8}, term.Column{Title: "FLOW", Rank: 1, Min: 6}, term.Column{Title: "STATUS", Min: 11},
		term.Column{Title: "STEPS", Right: true, Rank: 4}, term.Column{Title: "BEGAN", Rank: 3, Min: len(time.DateTime)}, term.Column{Title: "TOOK", Rank: 2, Min: 6},
	)
	for _, s := range all {
		began, took := "", ""
		if !s.Started.IsZero() {
			began = s.Started.Local().Format(time.DateTime)
		}
		if !s.Ended.IsZero() {
			took = roundDuration(s.Ended.Sub(s.Started)).String()
		}
		t.Add(term.Text(s.Run), term.Text(s.Flow), term.Marked(string(s.Status), statusText(s)), term.Text(strconv.Itoa(s.Steps)), term.Text(began), term.Text(took+s.Fault))
	}
	return t.WriteTo(w)
}

// statusText is a run's status with what somebody should know of it.
func statusText(s control.Summary) string {
	switch {
	case s.Status == engine.StatusPaused && s.Held:
		return "paused by hand"
	case s.Status == engine.StatusPaused:
		return "paused, waits for " + strings.Join(s.Waits, ", ")
	case s.Reason != "" && s.Reason != engine.ReasonCanceled:
		return string(s.Status) + " (" + s.Reason + ")"
	}
	return string(s.Status)
}
