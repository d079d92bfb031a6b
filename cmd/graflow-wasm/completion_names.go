package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/spf13/cobra"
)

// Statuses of runs that something can be done to.
var (
	goingOn  = []string{string(engine.StatusRunning), string(engine.StatusPaused)}
	waiting  = []string{string(engine.StatusPaused), string(control.StatusInterrupted)}
	unended  = append(slices.Clone(goingOn), string(control.StatusInterrupted))
	hasEnded = []string{string(engine.StatusSucceeded), string(engine.StatusFailed), string(engine.StatusCanceled)}
)

var flowFiles = files("yaml", "yml", "json")

// argumentCompleters complete the arguments of commands, by their paths.
var argumentCompleters = map[string]completer{
	"run":                    inTurn(false, completeTarget),
	"test":                   inTurn(true, flowFiles),
	"validate":               inTurn(true, flowFiles),
	"graph":                  inTurn(false, flowFiles),
	"verify":                 inTurn(false, files()),
	"runs show":              inTurn(false, runsOf()),
	"runs watch":             inTurn(false, runsOf(goingOn...)),
	"runs logs":              inTurn(false, runsOf()),
	"runs cancel":            inTurn(false, runsOf(unended...)),
	"runs pause":             inTurn(false, runsOf(goingOn...)),
	"runs resume":            inTurn(false, orFiles(runsOf(waiting...)), namesOf(pausesOf)),
	"runs retry":             inTurn(false, runsOf(string(engine.StatusFailed), string(engine.StatusCanceled))),
	"runs fork":              inTurn(false, runsOf()),
	"runs export":            inTurn(false, runsOf()),
	"runs files":             inTurn(false, runsOf()),
	"runs receipt":           inTurn(false, runsOf(hasEnded...)),
	"runs rm":                inTurn(true, runsOf(hasEnded...)),
	"module show":            inTurn(false, orFiles(namesOf(modulesOf))),
	"module ls":              inTurn(false, namesOf(modulesOf)),
	"module pull":            inTurn(false, namesOf(modulesOf)),
	"module push":            inTurn(false, files("wasm")),
	"module rm":              inTurn(true, namesOf(modulesOf)),
	"module verify":          inTurn(false, orFiles(namesOf(modulesOf))),
	"module keygen":          files(),
	"module quarantine show": inTurn(false, namesOf(quarantinedOf)),
	"module quarantine lift": inTurn(true, namesOf(quarantinedOf)),
	"policy check":           inTurn(true, flowFiles),
	"policy show":            inTurn(false, flowFiles),
	"queues limit":           inTurn(false, namesOf(queuesOf)),
	"dead show":              inTurn(false, namesOf(deadOf)),
	"dead retry":             inTurn(false, namesOf(deadOf)),
	"dead rm":                inTurn(true, namesOf(deadOf)),
	"schedules add":          inTurn(false, nothing, completeTarget),
	"schedules show":         inTurn(false, namesOf(schedulesOf)),
	"schedules pause":        inTurn(false, namesOf(schedulesOf)),
	"schedules resume":       inTurn(false, namesOf(schedulesOf)),
	"schedules trigger":      inTurn(false, namesOf(schedulesOf)),
	"schedules rm":           inTurn(true, namesOf(schedulesOf)),
}

// flagCompleters complete the values of flags: of a command's, else of all of a name.
var flagCompleters = map[string]completer{
	"runs ls --status":         oneOfList(fixed(runStatuses...)),
	"runs ls --flow":           oneOfList(namesOf(flowsOf)),
	"runs logs --task":         namesOf(tasksOf),
	"runs retry --from":        namesOf(tasksOf),
	"runs resume --name":       namesOf(pausesOf),
	"runs fork --checkpoint":   namesOf(checkpointsOf),
	"runs export --checkpoint": namesOf(checkpointsOf),
	"dead ls --run":            runsOf(),
	"verify --flow":            completeTarget,
	"worker --queues":          oneOfList(namesOf(queuesOf)),
	"worker --prewarm":         oneOfList(namesOf(modulesOf)),
	"top --sort":               oneOfList(fixed(sortWords()...)),
	"--state":                  directories,
	"--cache-dir":              directories,
	"--docker-scratch":         directories,
}

// sortWords are the values that `top --sort` has.
func sortWords() []string {
	var words []string
	for _, one := range topSections {
		for _, key := range one.keys {
			words = append(words, one.name+"="+key)
		}
	}
	return words
}

// placeIn is where a command line says that runs are.
func placeIn(cmd *cobra.Command) *placeFlags {
	text := func(name string) string {
		if f := cmd.Flag(name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	var p placeFlags
	p.state.dir, p.state.flag = text("state"), cmd.Flag("state")
	c := &p.cluster
	c.url, c.creds, c.nkey, c.ca, c.cert, c.key, c.namespace = text("nats"), text("creds"), text("nkey"), text("tls-ca"), text("tls-cert"), text("tls-key"), text("namespace")
	c.flag = cmd.Flag("nats")
	c.remote.url, c.remote.tokenFile, c.remote.insecure = text("server"), text("token-file"), text("insecure") == "true"
	c.remote.flag = cmd.Flag("server")
	return &p
}

// listRuns lists the runs of a command line's place. What can't be asked has none.
func listRuns(ctx context.Context, cmd *cobra.Command, statuses []string) (all []control.Summary) {
	keep := func(s control.Summary) bool { return len(statuses) == 0 || slices.Contains(statuses, string(s.Status)) }
	_ = withRuns(ctx, placeIn(cmd), "list runs", func(r runs) (err error) {
		all, _, err = runFilter{statuses: statuses}.list(ctx, r, keep)
		return err
	})
	slices.SortStableFunc(all, func(a, b control.Summary) int { return b.Started.Compare(a.Started) })
	return all
}

// runsOf completes the ids of runs of some statuses, the latest first.
func runsOf(statuses ...string) completer {
	return namesOf(func(ctx context.Context, cmd *cobra.Command, _ []string) []candidate {
		var all []candidate
		for _, s := range listRuns(ctx, cmd, statuses) {
			all = append(all, candidate{s.Run, s.Flow + ", " + statusText(s)})
		}
		return all
	})
}

func flowsOf(ctx context.Context, cmd *cobra.Command, _ []string) []candidate {
	var names []string
	for _, s := range listRuns(ctx, cmd, nil) {
		names = append(names, s.Flow)
	}
	slices.Sort(names)
	var all []candidate
	for _, name := range slices.Compact(names) {
		all = append(all, candidate{name: name})
	}
	return all
}

// storyOf tells of the run that a command line names first.
func storyOf(ctx context.Context, cmd *cobra.Command, args []string, f func(runs, control.Story) []candidate) (all []candidate) {
	if len(args) == 0 {
		return nil
	}
	_ = withRuns(ctx, placeIn(cmd), "show run", func(r runs) error {
		s, err := r.Show(ctx, args[0])
		if err == nil {
			all = f(r, s)
		}
		return err
	})
	return all
}

func pausesOf(ctx context.Context, cmd *cobra.Command, args []string) []candidate {
	return storyOf(ctx, cmd, args, func(_ runs, s control.Story) (all []candidate) {
		for _, p := range s.Pauses {
			all = append(all, candidate{p.Name, p.Message})
		}
		return all
	})
}

func checkpointsOf(ctx context.Context, cmd *cobra.Command, args []string) []candidate {
	return storyOf(ctx, cmd, args, func(_ runs, s control.Story) (all []candidate) {
		for _, c := range s.Checkpoints {
			all = append(all, candidate{c.Name, fmt.Sprintf("event %d, by %s", c.Seq, c.Activation)})
		}
		return all
	})
}

// tasksOf are the tasks of a run: of its graph, else those that are known to have begun.
func tasksOf(ctx context.Context, cmd *cobra.Command, args []string) []candidate {
	return storyOf(ctx, cmd, args, func(r runs, s control.Story) (all []candidate) {
		status := map[string]string{}
		for _, t := range s.Tasks {
			status[t.Task] = string(t.Status)
		}
		for _, t := range s.Live {
			status[t.Task] = string(t.Status)
		}
		if g := graphOf(ctx, r, args[0]); g != nil {
			for _, t := range g.Spec().Tasks {
				all = append(all, candidate{t.ID, status[t.ID]})
				delete(status, t.ID)
			}
		}
		for id, text := range status {
			all = append(all, candidate{id, text})
		}
		slices.SortStableFunc(all, func(a, b candidate) int { return strings.Compare(a.name, b.name) })
		return all
	})
}

func modulesOf(ctx context.Context, cmd *cobra.Command, _ []string) (all []candidate) {
	_ = placeIn(cmd).cluster.withRegistry(ctx, "list modules", func(r moduleRegistry) error {
		found, err := r.Modules(ctx)
		for _, m := range found {
			if m.Name != localName {
				about := countOf(len(about(m).Tasks), "task", "tasks")
				all = append(all, candidate{m.Name, about}, candidate{m.Name + "@" + m.Version, about})
			}
		}
		return err
	})
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.name, b.name) })
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.name == b.name })
}

func queuesOf(ctx context.Context, cmd *cobra.Command, _ []string) (all []candidate) {
	_ = placeIn(cmd).cluster.withFleet(ctx, "list queues", func(f fleet) error {
		found, err := f.Queues(ctx)
		for _, q := range found {
			all = append(all, candidate{q.Queue, fmt.Sprintf("%d ready, %d running", q.Ready, q.InFlight)})
		}
		return err
	})
	return slices.CompactFunc(all, func(a, b candidate) bool { return a.name == b.name })
}

func deadOf(ctx context.Context, cmd *cobra.Command, _ []string) (all []candidate) {
	_ = placeIn(cmd).cluster.withFleet(ctx, "list dead letters", func(f fleet) error {
		found, err := f.DeadLetters(ctx, 0, deadBatch)
		for _, l := range found {
			all = append(all, candidate{strconv.FormatUint(l.Number, 10), l.Run + " " + l.Activation + ": " + l.Reason})
		}
		return err
	})
	return all
}

func schedulesOf(ctx context.Context, cmd *cobra.Command, _ []string) (all []candidate) {
	_ = placeIn(cmd).cluster.withSchedules(ctx, "list schedules", func(s scheduling) error {
		found, err := s.List(ctx)
		for _, one := range found {
			all = append(all, candidate{one.Name, strings.TrimSpace(one.Cron + " " + one.Target.Flow)})
		}
		return err
	})
	return all
}

// completeTarget completes what can be run: files, and with a cluster modules.
func completeTarget(ctx context.Context, cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if place := placeIn(cmd); place.isFar() {
		return orFiles(namesOf(modulesOf))(ctx, cmd, args, begun)
	}
	return files("yaml", "yml", "json", "wasm", "py", "js", "mjs", "cjs", "ts", "mts", "cts")(ctx, cmd, args, begun)
}
