package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/term"
	"github.com/spf13/cobra"
)

func newRunsShow(std streams, where *placeFlags) *cobra.Command {
	var events bool
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Tell what happened in a run, and why",
		Long: `Show prints a timeline: why each task ran or was skipped, how long it waited and
took, what was retried, paused and answered, rolled back. Then for what the run
waits and how to go on, its checkpoints, its warnings and its output.

--events prints the run's journal instead, a JSON object a line: its state is
what follows from these and nothing else.`,
		Example: `  graflow-wasm runs show deploy-7
  graflow-wasm runs show deploy-7 --events | jq -c 'select(.type == "completed")'`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().BoolVar(&events, "events", false, "print the journal, a JSON object a line")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return withRuns(ctx, where, "show run", func(r runs) error {
			if events {
				all, err := r.Events(ctx, args[0])
				if err != nil {
					return err
				}
				return writeEvents(std.out, all)
			}
			story, err := r.Show(ctx, args[0])
			if err != nil {
				return err
			}
			if format.value == "json" {
				err = writeJSON(std.out, story)
			} else {
				writeStory(std.output(), story, where)
			}
			if err == nil && story.Fault != "" {
				err = errors.New(story.Fault)
			}
			return err
		})
	}
	return cmd
}

func writeEvents(w io.Writer, all []*engine.Event) error {
	for _, e := range all {
		if err := writeJSON(w, e); err != nil {
			return err
		}
	}
	return nil
}

// writeStory prints all of a run for eyes.
func writeStory(w *term.Output, s control.Story, where *placeFlags) {
	line := func(format string, args ...any) { fmt.Fprintln(w, printable(fmt.Sprintf(format, args...))) }
	status := w.Status(string(s.Status), printable(statusText(s.Summary)))
	fmt.Fprintln(w, printable(fmt.Sprintf("run %s of %s: ", s.Run, s.Flow))+status+tookOf(s.Summary))
	line("began %s", s.Started.Local().Format(time.RFC3339))
	if o := s.Origin; o != nil {
		at := ""
		if !strings.HasPrefix(o.Checkpoint, "#") { // else it says no more than Seq
			at = named(" (checkpoint ", o.Checkpoint, ")")
		}
		line("goes on from event %d of run %s%s", o.Seq, o.Run, at)
	}
	line("input %s", cut(oneLine(string(s.Input)), 200))
	fmt.Fprintln(w)
	writeTimeline(w, s)
	writeWaits(line, s, where)
	for _, c := range s.Checkpoints {
		line("checkpoint %s%s, by %s%s", c.Name, afterEvent(s, c), c.Activation, named(": ", oneLine(string(c.Meta)), ""))
		line("  another run from there: %s", commandFor(where, "fork", s.Run, " --checkpoint "+shellQuote(c.Name)))
	}
	for _, f := range s.Files {
		line("file %s of %s, %s", f.Name, f.Activation, sizeText(uint64(max(f.Size, 0))))
	}
	if len(s.Files) > 0 {
		line("  save them: %s", commandFor(where, "files", s.Run, " --save DIR"))
	}
	for _, text := range s.Warnings {
		fmt.Fprintln(w, w.Paint(term.Warn, printable("warning: "+text)))
	}
	switch {
	case s.Error != nil:
		fmt.Fprintln(w, w.Paint(term.Bad, printable("error: "+sayError(s.Error))))
		line("do what failed again: %s", commandFor(where, "retry", s.Run, ""))
	case s.Status == engine.StatusCanceled:
		line("%s", sayCanceled(engine.Outcome{Task: s.Task, Message: s.Message}))
	case s.Status == engine.StatusSucceeded:
		line("%soutput %s", named("terminated: ", s.Message, "\n"), cut(string(s.Output), 2000))
	}
}

// afterEvent tells where in the run's journal a checkpoint is. One of the run that
// it goes on from is not in it.
func afterEvent(s control.Story, c engine.CheckpointInfo) string {
	if s.Origin != nil && c.Time.Before(s.Started) {
		return " of what it goes on from"
	}
	return fmt.Sprintf(" after event %d", c.Seq)
}

// writeWaits tells how a run that has not ended goes on.
func writeWaits(line func(string, ...any), s control.Story, where *placeFlags) {
	for _, p := range s.Pauses {
		line("%s", sayWaiting(p))
		line("  answer it: %s", answerCommand(where, s.Run, s.Pauses, p))
	}
	switch {
	case s.Held:
		line("paused by hand; go on with it: %s", commandFor(where, "resume", s.Run, ""))
	case s.Status == control.StatusInterrupted:
		line("it has not ended, and nobody drives it; go on with it: %s", commandFor(where, "resume", s.Run, ""))
	}
}

func tookOf(s control.Summary) string {
	if s.Ended.IsZero() {
		return ""
	}
	return " in " + roundDuration(s.Ended.Sub(s.Started)).String()
}

// named is text with what goes round it, or nothing.
func named(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}
