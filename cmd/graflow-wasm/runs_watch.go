package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

func newRunsWatch(std streams, where *placeFlags) *cobra.Command {
	plainly := false
	cmd := &cobra.Command{
		Use:   "watch RUN",
		Short: "Follow a run until it has ended or is paused",
		Long: `Watch tells what has happened in a run, then what happens, until the run has ended
or is paused; its exit code is then that of the run. Ctrl-C ends the watching, not
the run.

On a terminal it is a live tree of the tasks, with what they log above it; --plain has a
line for each event instead, as elsewhere.`,
		Example: `  graflow-wasm runs watch deploy-7
  graflow-wasm runs watch deploy-7 -o json | jq -r .type`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&plainly, "plain", false, "a line for each event on a terminal too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return withRuns(ctx, where, "watch run "+args[0], func(r runs) error {
			w := newWatching(std, format.value)
			if w.progress == nil && !plainly && std.output().Moves() {
				w.progress = newLive(std.output(), newTree(graphOf(ctx, r, args[0])))
			}
			outcome, err := w.follow(ctx, r, args[0])
			if err != nil {
				return err
			}
			code := codeOf(outcome, w.recorder.Tasks())
			if code == exitSucceeded {
				return w.lost
			}
			return &exitError{Code: code, Err: errors.New(printable(sayOutcome(outcome, code, where)))}
		})
	}
	return cmd
}

// watching shows a run that others drive.
type watching struct {
	std      streams
	recorder *engine.Recorder
	progress progress // nil: as plain lines, or as JSON
	json     bool
	lost     error // of writing
}

func newWatching(std streams, format string) *watching {
	w := &watching{std: std, recorder: engine.NewRecorder(), json: format == "json"}
	if w.json {
		w.progress = silent{}
	}
	return w
}

// follow shows what happens until the run has ended or is paused.
func (w *watching) follow(ctx context.Context, r runs, run string) (engine.Outcome, error) {
	if w.progress == nil {
		w.progress = &plain{w: w.std.out}
	}
	defer w.progress.Close()
	return r.Follow(ctx, run, func(n engine.Notice) {
		w.recorder.Observe(n)
		w.progress.Observe(n)
		if w.json && w.lost == nil {
			w.lost = writeJSON(w.std.out, n)
		}
	})
}

// graphOf is the graph of a run, where it is to be had; else nil: then its tasks are
// known as they begin.
func graphOf(ctx context.Context, r runs, run string) *engine.Graph {
	g, err := readGraph(ctx, r, run)
	if err != nil {
		return nil // what is wrong with the run, following it tells
	}
	return g
}

// readGraph reads the graph that a run's journal names.
func readGraph(ctx context.Context, r runs, run string) (*engine.Graph, error) {
	if own, ok := r.(interface {
		Graph(ctx context.Context, run string) (*engine.Graph, error)
	}); ok {
		return own.Graph(ctx, run)
	}
	events, err := r.Events(ctx, run)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(events, func(e *engine.Event) bool { return e.Basis != nil && e.Basis.Graph != "" })
	if at < 0 {
		return nil, engine.ErrNotFound
	}
	file, err := r.OpenFile(ctx, run, events[at].Basis.Graph)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var spec engine.Spec
	if err := json.NewDecoder(file).Decode(&spec); err != nil {
		return nil, fmt.Errorf("read the graph of run %q: %w", run, err)
	}
	return spec.Build()
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
	out := std.output()
	fmt.Fprintf(out, "%s: %s\n", oneLine(run), out.Paint(term.StatusOf(status).Look, status))
	return nil
}
