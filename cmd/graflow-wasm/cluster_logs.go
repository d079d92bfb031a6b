package main

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// logsOf says which of a run's logs to print.
type logsOf struct {
	tasks  []string // none are all
	follow bool
	format string
}

// logSource has the logs of runs whose tasks ran anywhere.
type logSource interface {
	runs
	taskLogs(ctx context.Context, run string) iter.Seq2[engine.Notice, error]
}

// taskLogs implements logSource.
func (d *clusterDesk) taskLogs(ctx context.Context, run string) iter.Seq2[engine.Notice, error] {
	return d.session.bus.Notices(ctx, run, 0, false)
}

// farTaskLogs prints what the tasks of a run have logged, wherever they ran.
func farTaskLogs(ctx context.Context, std streams, where *placeFlags, run string, of logsOf) error {
	return withRuns(ctx, where, "logs of run "+run, func(r runs) error {
		d, ok := r.(logSource)
		if !ok {
			return nil
		}
		show := func(n engine.Notice) {
			if n.Type == engine.NoticeWarning && n.Attempt > 0 { // it was dropped, or ended elsewhere
				n.Type, n.Level = engine.NoticeTaskLog, slog.LevelWarn.String()
			}
			if n.Type == engine.NoticeTaskLog {
				printLog(std.out, lineOf(n), of.tasks, of.format)
			}
		}
		if of.follow {
			_, err := d.Follow(ctx, run, show)
			return err
		}
		story, err := d.Show(ctx, run)
		if err != nil && control.Status(err) < http.StatusInternalServerError {
			return err
		}
		noteStrangers(std.err, story, of.tasks)
		for n, lost := range d.taskLogs(ctx, run) {
			if lost != nil {
				return lost
			}
			show(n)
		}
		return err // logs can be read where the run can't
	})
}
