package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/spf13/cobra"
)

// logEvery is how often a log is looked at that is followed.
const logEvery = 100 * time.Millisecond

func newRunsLogs(std streams, where *placeFlags) *cobra.Command {
	var follow bool
	var tasks []string
	cmd := &cobra.Command{
		Use:   "logs RUN",
		Short: "Print what the tasks of a run have logged",
		Long: fmt.Sprintf(`Logs prints what tasks have logged, in order. The log is kept beside the run, and
is no part of it: of each run at least the last %d MiB, on a cluster for three
days. An attempt that was repeated has logged twice.`, logSize>>20),
		Example: `  graflow-wasm runs logs deploy-7 --task build
  graflow-wasm runs logs deploy-7 -f -o json`,
		Args: runArguments(cobra.ExactArgs(1)),
	}
	format := outputFlag(cmd, "text", "json")
	cmd.Flags().StringSliceVar(&tasks, "task", nil, "only of the task of that `ID`")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run has ended or is paused")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if where.isFar() {
			return farTaskLogs(ctx, std, where, args[0], logsOf{tasks: tasks, follow: follow, format: format.value})
		}
		show := func(raw []byte) { printLogLine(std.out, raw, tasks, format.value) }
		log := &logReader{state: where.path(), run: args[0], print: show}
		defer log.Close()
		return withRuns(ctx, where, "logs of run "+args[0], func(r runs) error {
			if follow {
				return log.follow(ctx, r)
			}
			story, err := r.Show(ctx, args[0])
			if err != nil && control.Status(err) < http.StatusInternalServerError {
				return err
			}
			noteStrangers(std.err, story, tasks)
			return errors.Join(log.read(), err) // which can be read where the run can't
		})
	}
	return cmd
}

// noteStrangers tells which of the tasks are none of those that a run has had.
func noteStrangers(w io.Writer, s control.Story, tasks []string) {
	var known []string
	for _, t := range s.Tasks {
		known = append(known, t.Task)
	}
	for _, l := range s.Live {
		known = append(known, l.Task)
	}
	for _, t := range tasks {
		if s.Run != "" && !slices.Contains(known, t) {
			slices.Sort(known)
			fmt.Fprintf(w, "graflow-wasm: no task %s has run in it; these have: %s\n", oneLine(t), oneLine(strings.Join(slices.Compact(known), ", ")))
		}
	}
}

func printLogLine(w io.Writer, raw []byte, tasks []string, format string) {
	var l logLine
	if err := json.Unmarshal(raw, &l); err == nil { // else it was cut short
		printLog(w, l, tasks, format)
	}
}

func printLog(w io.Writer, l logLine, tasks []string, format string) {
	if len(tasks) > 0 && !slices.Contains(tasks, l.Task) {
		return
	}
	if format == "json" {
		_ = writeJSON(w, l) // whoever read it is gone
		return
	}
	fmt.Fprintf(w, "%s %s %s: %s\n", l.Time.Local().Format("15:04:05.000"), l.Level, l.Activation, printable(l.Message))
}

// logReader reads the log of a run, also while it is written.
type logReader struct {
	state, run string
	print      func(line []byte)

	file *os.File // the newer one; nil before it was there
	in   *bufio.Reader
	part []byte // of a line whose end is not there yet
}

// Close lets go of the files.
func (l *logReader) Close() {
	if l.file != nil {
		_ = l.file.Close() // it was only read
	}
}

// follow reads until the run has ended, or is paused.
func (l *logReader) follow(ctx context.Context, r runs) error {
	done := make(chan error, 1)
	go func() { // ends when the run does, or with ctx
		_, err := r.Follow(ctx, l.run, func(engine.Notice) {})
		done <- err
	}()
	tick := time.NewTicker(logEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return errors.Join(err, l.read())
		case <-tick.C:
		}
		if err := l.read(); err != nil {
			return errors.Join(err, <-done)
		}
	}
}

// read prints the lines that have come.
func (l *logReader) read() error {
	older, name := logNames(l.state, l.run)
	if l.file == nil {
		if err := l.open(older); err != nil {
			return err
		}
		if l.file != nil {
			if err := l.rest(); err != nil {
				return err
			}
		}
		if err := l.open(name); err != nil || l.file == nil {
			return err
		}
	}
	if err := l.rest(); err != nil {
		return err
	}
	now, err := os.Stat(name)
	mine, mineErr := l.file.Stat()
	if err != nil || mineErr != nil || os.SameFile(now, mine) {
		return nil // or nobody has begun the next one yet
	}
	if err := l.rest(); err != nil { // what came since
		return err
	}
	if err := l.open(name); err != nil {
		return err
	}
	return l.rest()
}

// open goes on with a file, if it is there.
func (l *logReader) open(name string) error {
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	l.Close()
	l.file, l.in, l.part = f, bufio.NewReader(f), nil
	return nil
}

// rest prints the rest of the file's lines.
func (l *logReader) rest() error {
	for {
		text, err := l.in.ReadBytes('\n')
		l.part = append(l.part, text...)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		l.print(l.part)
		l.part = l.part[:0]
	}
}
