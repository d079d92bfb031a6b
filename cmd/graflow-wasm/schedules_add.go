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
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// scheduleOptions are the flags of `schedules add`.
type scheduleOptions struct {
	where *clusterFlags

	cron, zone, at  string
	every           time.Duration
	overlap, missed choice
	input           string
	set             []string
	paused, dryRun  bool
	sandbox         *sandboxFlags
	format          *choice
}

func newSchedulesAdd(std streams, where *clusterFlags, ofCluster *pflag.FlagSet) *cobra.Command {
	o := &scheduleOptions{
		where:   where,
		overlap: choice{"skip", []string{"skip", "allow", "replace", "wait"}},
		missed:  choice{"once", []string{"once", "skip", "all"}},
	}
	cmd := &cobra.Command{
		Use:   "add NAME TARGET --cron EXPR | --every DURATION | --at TIME",
		Short: "Begin runs at times",
		Long: `Add stores a schedule that begins runs of TARGET, in place of the one of its name,
and tells the next five times at which it is due. TARGET is

  FLOW[@VERSION]         a flow that is stored: without a version the one stored last
                         at the time
  MODULE#EXPORT          a task of a module in the registry; MODULE# its only task
  NAME.flow.yaml, FILE.wasm[#EXPORT], FILE.py, .js or .ts, ./DIR[#EXPORT]
                         what run takes, as it is now

--cron has five fields: minute, hour, day of month, month, day of week; * is any,
1-5 a range, */15 a step, mon,fri a list; or it is @hourly, @daily, @weekly, @monthly
or @yearly. Where the clocks of --zone skip a time it is due as they jump; where they
show it twice, the first time. With * as the hour it is due each hour that passes.
--every counts from when the schedule was added first.

--overlap says what becomes of a time at which the run before still goes on: it is
skipped; a run begins besides (allow), or in place of the other, which is canceled
(replace); or one begins once the other has ended (wait).
--missed says what becomes of times that went by while nobody was there, for a minute
or more: one run begins for all of them (once), none (skip), or one for each, at most
100 (all).`,
		Example: `  graflow-wasm schedules add nightly report.flow.yaml --cron "0 6 * * mon-fri" --zone Europe/Berlin
  graflow-wasm schedules add poll "fetcher#poll" --every 10m --overlap allow --input '{"since": "1h"}'
  graflow-wasm schedules add party invite --at "2026-12-31 23:59" --zone America/New_York
  graflow-wasm schedules add x report --cron "*/20 2 * * *" --zone Europe/Berlin --dry-run`,
		Args: arguments(cobra.ExactArgs(2)),
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.cron, "cron", "", "when the clocks show what a cron `EXPR` says")
	f.StringVar(&o.zone, "zone", "", "the time zone of --cron, or --at, by `NAME` as Europe/Berlin (default: UTC)")
	f.DurationVar(&o.every, "every", 0, "at an interval, as 30s, 10m or 24h")
	f.StringVar(&o.at, "at", "", "once, at a `TIME` as 2026-12-31T23:59:00Z, or with --zone as \"2026-12-31 23:59\"")
	f.StringVar(&o.input, "input", "", "the runs' input: JSON, @FILE, or - for stdin")
	f.StringArrayVar(&o.set, "set", nil, "put key=value into the input; JSON if it parses, else text; dots nest (repeatable)")
	f.Var(&o.overlap, "overlap", "what to do while the run before still goes on")
	f.Var(&o.missed, "missed", "what to do about times at which nobody was there")
	f.BoolVar(&o.paused, "paused", false, "begin nothing until schedules resume")
	f.BoolVar(&o.dryRun, "dry-run", false, "check all, and tell the times, but store nothing; no cluster is asked")
	o.format = outputFlag(cmd, "text", "json")
	cmd.InitDefaultHelpFlag()
	general := newFlagGroup("Flags")
	general.Flags().AddFlagSet(f)
	o.sandbox = newSandboxFlags(cmd)
	clusters := newFlagGroup("Cluster")
	clusters.Flags().AddFlagSet(ofCluster)
	groupUsage(cmd, general, clusters, o.sandbox.limits, o.sandbox.grants)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		deed := fmt.Sprintf("add schedule %q", args[0])
		s, t, err := o.read(std, args[0], args[1])
		switch {
		case err != nil:
			return failed(deed, err)
		case o.dryRun:
			return failed(deed, o.tell(std, s, time.Now()))
		}
		return where.withSchedules(cmd.Context(), deed, func(all scheduling) error { return o.store(cmd.Context(), std, all, s, t) })
	}
	return cmd
}

// read checks all that can be checked here.
func (o *scheduleOptions) read(std streams, name, to string) (ops.Schedule, *scheduled, error) {
	s, err := o.schedule(std, name)
	if err != nil {
		return s, nil, err
	}
	t, err := o.target(to)
	if err != nil {
		return s, nil, err
	}
	if s.Target, err = t.ops(); err != nil {
		return s, nil, err
	}
	if err := flagged(schedule.Check(s)); err != nil {
		return s, nil, err
	}
	return s, t, t.flow.checkInput(s.Input)
}

// store stores a schedule, whose modules the cluster has then.
func (o *scheduleOptions) store(ctx context.Context, std streams, all scheduling, s ops.Schedule, t *scheduled) error {
	var err error
	if t.graph != nil {
		if t.graph, err = cluster.Pin(ctx, all.modules, localFiles{&wasm.Files{CacheDir: t.cacheDir}}, t.graph); err != nil {
			return t.fault(t.name, err)
		}
	}
	if s.Target, err = t.ops(); err != nil {
		return err
	}
	if s, err = all.Put(ctx, s); err != nil {
		return t.misfit(err)
	}
	return o.tell(std, s, s.Next.Add(-1))
}

// schedule is what the flags say.
func (o *scheduleOptions) schedule(std streams, name string) (ops.Schedule, error) {
	s := ops.Schedule{
		Name: name, Cron: o.cron, Zone: o.zone, Every: engine.Duration(o.every),
		Overlap: ops.Overlap(o.overlap.value), Missed: ops.Missed(o.missed.value), Paused: o.paused,
	}
	var err error
	if s.Input, err = inputOf(std.in, o.input, o.set); err != nil {
		return s, err
	}
	if o.at != "" {
		if s.At, err = parseAt(o.at, o.zone); err != nil {
			return s, err
		}
		s.Zone = ""
	}
	return s, nil
}

// parseAt reads a time: with an offset, or as the clocks of a zone show it.
func parseAt(text, zone string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if _, err := time.Parse(layout, text); err != nil {
			continue
		}
		if zone == "" {
			return time.Time{}, usagef("--at %q: in which time zone? Give --zone, as Europe/Berlin or UTC, or an offset, as in 2026-12-31T23:59:00+01:00", text)
		}
		in, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			return time.Time{}, usagef("--zone: %q: there is no such time zone: want a name as Europe/Berlin", zone)
		}
		t, err := time.ParseInLocation(layout, text, in)
		if err == nil && t.Format(layout) != text {
			err = fmt.Errorf("the clocks of %s skip that time", zone)
		}
		if err != nil {
			return time.Time{}, usagef("--at %q: %w", text, err)
		}
		return t, nil
	}
	return time.Time{}, usagef("--at %q: want a time as 2026-12-31T23:59:00+01:00, or with --zone as \"2026-12-31 23:59\"", text)
}

// scheduled is what a schedule runs: a graph, or what is found when it is due.
type scheduled struct {
	target

	name     string // as it was given
	found    ops.Target
	cacheDir string
}

// ops is the target as it is stored.
func (t *scheduled) ops() (ops.Target, error) {
	if t.graph == nil {
		return t.found, nil
	}
	graph, err := json.Marshal(t.graph)
	return ops.Target{Graph: graph}, err
}

// misfit is an error of what was to be stored, with faults of the graph where they are
// in its file.
func (t *scheduled) misfit(err error) error {
	if built := asBuildErrors(err); t.graph != nil && errors.As(built, new(*engine.BuildError)) {
		return t.fault(t.name, built)
	}
	return err
}

// target reads what TARGET says.
func (o *scheduleOptions) target(name string) (*scheduled, error) {
	path, export, cut := strings.Cut(name, "#")
	file := isFlowFile(path) || isScript(path) || filepath.Ext(path) == ".wasm" || strings.ContainsAny(path, `/\`) || strings.HasPrefix(path, ".")
	module := cut || wasm.FormOf(path) == wasm.FormDigest
	given := o.sandbox.given()
	switch {
	case !file && !module && len(given) > 0:
		return nil, usagef("%s: limits and grants on the command line are for a bare module or script (%s); in a flow, write them at the task", name, strings.Join(given, ", "))
	case !file && !module:
		return &scheduled{found: ops.Target{Flow: path}}, nil
	case !file && len(given) == 0:
		return &scheduled{found: ops.Target{Module: path, Export: export}}, nil
	}
	t, err := resolve(strings.TrimSuffix(name, "#"), o.sandbox, true)
	if err != nil {
		return nil, err
	}
	if err := t.flow.fitsElsewhere(name); err != nil {
		return nil, err
	}
	dir, err := cacheDirectory("")
	return &scheduled{target: t, name: name, cacheDir: dir}, err
}

// told is how many coming times are told.
const told = 5

// plan is what `schedules add -o json` prints.
type plan struct {
	ops.Schedule

	Upcoming []time.Time `json:"upcoming"`
}

// tell tells a schedule, and its times after a moment.
func (o *scheduleOptions) tell(std streams, s ops.Schedule, after time.Time) error {
	p, err := planOf(s, after)
	if err != nil {
		return err
	}
	if o.format.value == "json" {
		return writeJSON(std.out, p)
	}
	stored := "stored"
	if o.dryRun {
		stored = "good, and not stored"
	}
	fmt.Fprintf(std.out, "schedule %s is %s: %s\n", oneLine(s.Name), stored, oneLine(whenText(s)))
	writeUpcoming(std.out, p, o.where)
	return nil
}

func planOf(s ops.Schedule, after time.Time) (plan, error) {
	p := plan{s, []time.Time{}}
	if s.Paused || !s.Created.IsZero() && s.Next.IsZero() {
		return p, nil
	}
	all, err := schedule.Upcoming(s, after, told)
	p.Upcoming = append(p.Upcoming, all...)
	return p, flagged(err)
}
