package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/term"
)

// timeline turns the notices of a run into lines that say what happened, why, and
// how long it took.
type timeline struct {
	since  time.Time            // when the run began, or went on from another
	began  time.Time            // of all that is told
	ready  map[string]time.Time // when an activation began to wait for a worker
	paused map[string]time.Time
}

// noticeFork is where a run begins that goes on from another.
const noticeFork = "run_forked"

// writeTimeline prints a line for all that happened, in order of time: when since
// the run's beginning, to what, and what.
func writeTimeline(w *term.Output, s control.Story) {
	t := timeline{since: s.Started, ready: map[string]time.Time{}, paused: map[string]time.Time{}}
	notices := slices.Clone(s.Timeline)
	slices.SortStableFunc(notices, func(a, b engine.Notice) int { return a.Time.Compare(b.Time) })
	if len(notices) > 0 {
		t.began = notices[0].Time // of the run that it goes on from, if it does
	}
	out := term.NewTable(term.Column{Right: true}, term.Column{}, term.Column{})
	out.Whole = true
	if s.Origin != nil { // after what is told of the run that it goes on from
		i := slices.IndexFunc(notices, func(n engine.Notice) bool { return !n.Time.Before(t.since) })
		if i < 0 {
			i = len(notices)
		}
		notices = slices.Insert(notices, i, engine.Notice{Type: noticeFork, Time: t.since, Message: s.Run})
	}
	for _, n := range notices {
		who, text := t.line(n)
		if text != "" {
			out.Add(term.Cell{Text: "+" + sinceText(n.Time.Sub(t.began)), Look: term.Faint}, term.Text(who), term.Cell{Text: text, Look: lookOf(n)})
		}
	}
	if err := out.WriteTo(w); err == nil {
		fmt.Fprintln(w)
	}
}

// lookOf is how what happened looks, where it is worth a look.
func lookOf(n engine.Notice) term.Look {
	switch n.Type {
	case engine.NoticeTaskSucceeded:
		return term.Good
	case engine.NoticeTaskFailed:
		return term.Bad
	case engine.NoticeTaskRetrying, engine.NoticeTaskCanceled, engine.NoticeWarning:
		return term.Warn
	case engine.NoticeTaskPaused:
		return term.Waits
	case engine.NoticeTaskReady, engine.NoticeTaskSkipped, engine.NoticeGroupStarted:
		return term.Faint
	case engine.NoticeGroupFinished, engine.NoticeRunFinished:
		return term.StatusOf(string(statusOf(n))).Look
	}
	return term.Plain
}

func sinceText(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.3fs", max(0, d).Seconds())
	}
	return d.Round(time.Second).String()
}

func (t *timeline) line(n engine.Notice) (who, text string) {
	if who = n.Activation; who == "" {
		who = "run"
	}
	if n.Handler != "" && n.Task != "" && taskOfID(n.Activation) != n.Task {
		who += " (" + n.Task + ")" // its fallback, or its rollback
	}
	switch n.Type {
	case engine.NoticeRunStarted:
		return who, "began"
	case noticeFork:
		return who, "goes on from there as " + n.Message
	case engine.NoticeRunFinished:
		return who, string(statusOf(n))
	case engine.NoticeWarning:
		return who, "warning: " + n.Message
	case engine.NoticeCheckpoint:
		return who, "checkpoint " + n.Message
	case engine.NoticeGroupStarted:
		return who, fmt.Sprintf("group of %d begins%s", int(n.Total), named(": ", n.Why, ""))
	case engine.NoticeGroupFinished:
		return who, "group " + string(n.Status) + errorOf(n)
	}
	if text := steeredText(n); text != "" {
		return who, text
	}
	return who, t.task(n)
}

// taskOfID is the task that an activation's id names last.
func taskOfID(activation string) string {
	name := activation[strings.LastIndexByte(activation, '/')+1:]
	if i := strings.IndexAny(name, "#["); i >= 0 {
		name = name[:i]
	}
	return name
}

// task tells what happened to a task.
func (t *timeline) task(n engine.Notice) string {
	switch n.Type {
	case engine.NoticeTaskReady:
		t.ready[n.Activation] = n.Time
		return "ready: " + n.Why
	case engine.NoticeTaskStarted:
		return "begins" + named(" on ", n.Worker, "") + attemptText(n) + t.waited(n)
	case engine.NoticeTaskRetrying:
		t.ready[n.Activation] = n.Time.Add(time.Duration(n.Delay))
		return fmt.Sprintf("failed%s%s%s; next attempt in %s", attemptText(n), tookText(n), errorOf(n), time.Duration(n.Delay))
	case engine.NoticeTaskPaused, engine.NoticeTaskCalled:
		t.paused[n.Activation] = n.Time
		return pauseText(n)
	case engine.NoticeTaskResumed:
		t.ready[n.Activation] = n.Time
		return pauseText(n) + " after " + roundDuration(n.Time.Sub(t.paused[n.Activation])).String()
	case engine.NoticeTaskSkipped:
		return "skipped" + named(": ", n.Why, "")
	case engine.NoticeTaskSucceeded:
		text := "succeeded" + tookText(n)
		if n.Recovered != nil {
			text += " by its fallback, after " + n.Recovered.Message
		}
		return text
	case engine.NoticeTaskFailed:
		return "failed" + attemptText(n) + tookText(n) + errorOf(n)
	case engine.NoticeTaskCanceled:
		return "canceled" + tookText(n) + errorOf(n)
	}
	return ""
}

func attemptText(n engine.Notice) string {
	text := ""
	if n.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", n.Attempt)
	}
	if n.Cycle > 1 {
		text += fmt.Sprintf(", cycle %d", n.Cycle)
	}
	return text
}

// waited tells how long a task that was ready waited, where that is worth telling:
// for a worker, or for a process that goes on with the run.
func (t *timeline) waited(n engine.Notice) string {
	since, ok := t.ready[n.Activation]
	if since.Before(t.since) {
		since = t.since
	}
	if d := n.Time.Sub(since); ok && d >= 10*time.Millisecond {
		return ", after waiting " + roundDuration(d).String()
	}
	return ""
}

func errorOf(n engine.Notice) string {
	if n.Error == nil {
		return ""
	}
	text := ": " + n.Error.Message
	if n.Error.Kind != "" && n.Error.Kind != engine.KindError {
		text += " [" + n.Error.Kind + "]"
	}
	if n.Error.Rollback != nil {
		text += "; its rollback failed too: " + n.Error.Rollback.Message
	}
	return text
}
