package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"
)

// resumeOptions are the flags and arguments of `runs resume`.
type resumeOptions struct {
	driveFlags

	name, input string
	id          runID
	answers     bool // a pause is to be answered
}

func newRunsResume(std streams, where *placeFlags) *cobra.Command {
	var o resumeOptions
	cmd := &cobra.Command{
		Use:   "resume RUN [NAME [JSON]]",
		Short: "Go on with a run: answer a pause, let go, or take over",
		Long: `Resume goes on with a run that has not ended.

  resume RUN NAME JSON      answers the pause of that name; without JSON with null
  resume RUN --input JSON   answers the only pause that there is
  resume RUN                lets a run go on that was paused by hand, or that
                            nobody drives, as after kill -9
  resume FILE.json          begins a run from a checkpoint that runs export wrote

An answer must fit the schema of its pause. It drives the run here, to its end or
its next pause, unless a process is at work on it.`,
		Example: `  graflow-wasm runs resume deploy-7 approve true
  graflow-wasm runs resume deploy-7 --input @review.json
  graflow-wasm runs resume checkpoint.json --state ./elsewhere`,
		Args: arguments(cobra.RangeArgs(1, 3)),
	}
	o.addTo(cmd)
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the pause to answer, or the id of the activation that waits")
	f.StringVar(&o.input, "input", "", "the answer: JSON, @FILE, or - for stdin")
	f.Var(&o.id, "id", "of a checkpoint: the id of the run (default: the one it had, if that is free, else a new one)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.place.of(where)
		if err := o.arguments(args); err != nil {
			return err
		}
		if strings.HasSuffix(args[0], ".json") {
			return restore(cmd.Context(), std, args[0], o)
		}
		return resume(cmd.Context(), std, args[0], o)
	}
	return cmd
}

// arguments reads what can be given as an argument or as a flag.
func (o *resumeOptions) arguments(args []string) error {
	switch {
	case len(args) > 1 && o.name != "", len(args) > 2 && o.input != "":
		return usagef("runs resume: the pause and its answer are arguments or flags, not both")
	case len(args) > 1:
		o.name = args[1]
	}
	if len(args) > 2 {
		o.input = args[2]
	}
	o.answers = o.name != "" || o.input != ""
	switch isFile := strings.HasSuffix(args[0], ".json"); {
	case isFile && o.answers:
		return usagef("runs resume %s: a checkpoint takes no answer; use --answer NAME=JSON for pauses after it", args[0])
	case isFile:
	case checkRunID(args[0]) != nil:
		return usagef("runs resume: no run has the id %.40q…: %w", args[0], checkRunID(args[0]))
	case o.id != "":
		return usagef("runs resume %s: --id is for a checkpoint; `runs fork` makes a run of another id", args[0])
	}
	return o.check()
}

func resume(ctx context.Context, std streams, run string, o resumeOptions) error {
	deed := "resume run " + run
	if err := o.place.existing(); err != nil {
		return err
	}
	answer, err := readInput(std.in, "answer", o.input)
	if err != nil {
		return usage(failed(deed, err))
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	return withDriver(ctx, deed, o.driveFlags, false, func(s *session) error {
		j := job{deed: deed, run: run, flags: o.driveFlags, signals: signals}
		j.begin = func(ctx context.Context) (drivenRun, error) {
			if o.answers {
				return s.desk.Answer(ctx, run, o.name, answer)
			}
			return s.desk.Resume(ctx, run)
		}
		return s.goOn(ctx, std, j, run)
	}, func(c *control.Client) error {
		act := func() error { return c.Resume(ctx, run) }
		if o.answers {
			act = func() error { return c.Answer(ctx, run, o.name, answer) }
		}
		return elsewhere(std, o.driveFlags, run, act())
	})
}

// goOn is drive for a run that is kept, or another that begins with it.
func (s *session) goOn(ctx context.Context, std streams, j job, from string) error {
	there, err := s.desk.Past(ctx, from)
	if err != nil {
		return refused(failed(j.deed, err))
	}
	j.graph = there.graph
	if from == j.run {
		j.past = there
	}
	return s.drive(ctx, std, j)
}

// driven is what a command prints of a run that another process goes on with.
type driven struct {
	steered

	Driven bool `json:"driven"`
}

// elsewhere tells that another process goes on with a run.
func elsewhere(std streams, flags driveFlags, run string, err error) error {
	if err != nil {
		return err
	}
	if flags.format.value != "text" {
		return writeJSON(std.out, driven{steered{run, string(engine.StatusRunning)}, true})
	}
	fmt.Fprintf(std.err, "run %s goes on in the process that has %s open; watch it: %s\n", run, flags.place.path(), commandFor(&flags.place, "watch", run, ""))
	if flags.filesDir != "" {
		fmt.Fprintf(std.err, "save its files then: %s\n", commandFor(&flags.place, "files", run, " --save "+shellQuote(flags.filesDir)))
	}
	return nil
}

// restore begins a run from a checkpoint document.
func restore(ctx context.Context, std streams, name string, o resumeOptions) error {
	deed := "resume from " + name
	doc, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("%s: no such file; `graflow-wasm runs export` writes it", deed)
	} else if err != nil {
		return usagef("%s: %w", deed, err)
	}
	if !o.place.kept() { // else it is made
		return o.place.existing()
	}
	ctx, signals := canceling(ctx, std.err)
	defer signals.Stop()
	return withDriver(ctx, deed, o.driveFlags, true, func(s *session) error {
		run, graph := s.restored(ctx, doc, string(o.id))
		return s.drive(ctx, std, job{
			deed: deed, run: run, graph: graph, flags: o.driveFlags, signals: signals,
			begin: func(ctx context.Context) (drivenRun, error) { return s.desk.Restore(ctx, doc, run) },
		})
	}, func(c *control.Client) error {
		run, err := c.Restore(ctx, doc, string(o.id))
		return elsewhere(std, o.driveFlags, run, err)
	})
}

// restored is the id of the run that a checkpoint begins, and its graph if that
// can be read: whether it can is for the engine to say.
func (s *session) restored(ctx context.Context, doc []byte, id string) (string, *engine.Graph) {
	var head struct {
		Run   string
		Graph engine.Spec
	}
	_ = json.Unmarshal(doc, &head) // the engine tells what is wrong with it
	if id == "" {
		id = head.Run
		if _, err := s.desk.Show(ctx, id); id == "" || !errors.Is(err, engine.ErrNotFound) {
			id = ulid.Make().String()
		}
	}
	graph, err := head.Graph.Build()
	if err != nil {
		return id, nil
	}
	return id, graph
}
