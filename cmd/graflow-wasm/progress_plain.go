package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// plain shows a run as lines, for logs and pipes.
type plain struct{ w io.Writer }

var _ progress = (*plain)(nil)

// Observe implements progress.
func (p *plain) Observe(n engine.Notice) {
	if text := plainLine(n); text != "" {
		fmt.Fprintf(p.w, "%s %s\n", n.Time.Format("15:04:05.000"), text)
	}
}

// Past implements progress: it has been told before.
func (p *plain) Past([]engine.Notice) {}

// Suspend implements progress.
func (p *plain) Suspend() {}

// Close implements progress.
func (p *plain) Close() {}

// plainLine is what a notice says, or "" if it is not worth a line.
func plainLine(n engine.Notice) string {
	who := n.Activation
	if who == "" {
		who = n.Group
	}
	switch n.Type {
	case engine.NoticeRunStarted:
		return "run " + n.Run + " started"
	case engine.NoticeRunFinished:
		return "run " + n.Run + " " + string(statusOf(n))
	case engine.NoticeTaskReady, engine.NoticeTaskProgress:
		return ""
	case engine.NoticeTaskStarted:
		if n.Done > 0 { // it was told that it goes on
			return ""
		}
		if n.Attempt > 1 {
			return fmt.Sprintf("%s: started, attempt %d", who, n.Attempt)
		}
		return who + ": started"
	case engine.NoticeTaskLog:
		return who + ": | " + printable(n.Message)
	case engine.NoticeTaskRetrying:
		return fmt.Sprintf("%s: attempt %d failed: %s; next in %s", who, n.Attempt, errorText(n), time.Duration(n.Delay))
	case engine.NoticeWarning:
		return "warning: " + oneLine(n.Message)
	case engine.NoticeTaskPaused, engine.NoticeTaskResumed, engine.NoticeTaskCalled:
		return who + ": " + pauseText(n)
	case engine.NoticeCheckpoint:
		return who + ": checkpoint " + oneLine(n.Message)
	}
	if text := steeredText(n); text != "" {
		return "run " + n.Run + " " + text
	}
	return endLine(n, who)
}

// endLine is the line of a task or group that ended.
func endLine(n engine.Notice, who string) string {
	switch n.Type {
	case engine.NoticeTaskSucceeded:
		return who + ": succeeded" + tookText(n)
	case engine.NoticeTaskFailed:
		return who + ": failed: " + errorText(n) + tookText(n)
	case engine.NoticeTaskCanceled:
		return who + ": canceled"
	case engine.NoticeTaskSkipped:
		return who + ": skipped"
	case engine.NoticeGroupFinished:
		return who + ": " + string(n.Status)
	}
	return ""
}

// pauseText tells of a task that waits, or that goes on.
func pauseText(n engine.Notice) string {
	name := oneLine(n.Message)
	switch {
	case n.Type == engine.NoticeTaskCalled:
		return callText(n)
	case n.Total > 0:
		return "goes on after its calls"
	case n.Type == engine.NoticeTaskPaused && name == "":
		return "waits"
	case n.Type == engine.NoticeTaskPaused:
		return "paused, waits for " + name
	case name == "":
		return "has waited"
	case n.Why != "":
		return name + " answered by itself (" + n.Why + "): " + cut(oneLine(string(n.Value)), 60)
	}
	return name + " answered: " + cut(oneLine(string(n.Value)), 60)
}

// callText tells which tasks one calls: how many, where that is more than the names.
func callText(n engine.Notice) string {
	names := oneLine(n.Message)
	if count := strings.Count(names, ",") + 1; int(n.Total) > count {
		return fmt.Sprintf("calls %s, %d at once", names, int(n.Total))
	}
	return "calls " + names
}

// steeredText tells what somebody has done to a run.
func steeredText(n engine.Notice) string {
	switch n.Type {
	case engine.NoticeRunHeld:
		return strings.TrimSuffix("paused by hand: "+oneLine(n.Message), ": ")
	case engine.NoticeRunReleased:
		return "resumed"
	case engine.NoticeRunRetried:
		if n.Message != "" {
			return "retried from " + n.Message
		}
		return "retried"
	}
	return ""
}

func statusOf(n engine.Notice) engine.Status {
	if n.Outcome != nil {
		return n.Outcome.Status
	}
	return n.Status
}

func errorText(n engine.Notice) string {
	if n.Error == nil {
		return "no error given"
	}
	return oneLine(n.Error.Message)
}

func tookText(n engine.Notice) string {
	if n.Started.IsZero() || !n.Time.After(n.Started) { // nor does a sub-flow know
		return ""
	}
	return " in " + roundDuration(n.Time.Sub(n.Started)).String()
}

// roundDuration keeps three digits or so.
func roundDuration(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
