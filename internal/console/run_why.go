package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// whyOf tells in sentences why a run stands as it does: what it waits for, or why it
// ended so. g may be nil.
func whyOf(s control.Story, g *engine.Graph, all []*activation, now time.Time) []string {
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	switch {
	case s.Fault != "":
		add("%s.", s.Fault)
	case s.Status == control.StatusInterrupted:
		add("No process is at work on it: the one that was has ended. Resume it to go on from where it was.")
	case s.Held:
		add("It was paused by hand%s: what runs may end, nothing new begins until somebody resumes it.", heldFor(s))
	}
	switch s.Status {
	case engine.StatusCanceled, engine.StatusSucceeded, engine.StatusFailed:
		if text := endText(s); text != "" {
			add("%s", text)
		}
	case engine.StatusRunning, engine.StatusPaused:
		why = append(why, waitsOf(g, all, now)...)
	}
	return why
}

func heldFor(s control.Story) (text string) {
	for _, n := range s.Timeline {
		if n.Type == engine.NoticeRunHeld {
			if text = ""; n.Message != "" {
				text = " (“" + shortText(200, n.Message) + "”)"
			}
		}
	}
	return text
}

// endText is how a run ended otherwise than by its last task.
func endText(s control.Story) string {
	if s.Reason == "" {
		return ""
	}
	text := strings.ReplaceAll(s.Reason, "_", " ")
	if s.Task != "" {
		text += " by " + s.Task
	}
	if s.Message != "" {
		text += ": “" + shortText(300, s.Message) + "”"
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// waitsOf tells what a run waits for, other than for tasks that run.
func waitsOf(g *engine.Graph, all []*activation, now time.Time) []string {
	var why []string
	waiting, shown := 0, 0
	var longest *activation
	for _, a := range all {
		switch {
		case a.IsGroup:
		case a.Status == engine.StatusRetrying && shown < 3:
			shown++
			text := fmt.Sprintf("%s failed, and is tried again", a.ID)
			if a.Due.After(now) {
				text += " in " + durationText(a.Due.Sub(now).Round(100*time.Millisecond))
			}
			why = append(why, text+".")
		case a.Status == engine.StatusPaused && a.Pause == "" && !a.Due.IsZero() && shown < 3:
			shown++
			why = append(why, fmt.Sprintf("%s waits until %s.", a.ID, stampText(a.Due)))
		case a.Status == statusWaiting:
			if waiting++; longest == nil {
				longest = a
			}
		}
	}
	if longest != nil && now.Sub(longest.Ready) > longWait {
		text := fmt.Sprintf("%s waits for a worker%s since %s", longest.ID, placeOf(g, longest), durationText(now.Sub(longest.Ready).Round(time.Second)))
		if waiting > 1 {
			text += fmt.Sprintf(", and so do %d others", waiting-1)
		}
		why = append(why, text+". The page of queues and workers shows who takes what.")
	}
	return why
}

// longWait is how long a task waits for a worker before that is told.
const longWait = 2 * time.Second

// waitsLong tells whether any task waits long for a worker.
func waitsLong(all []*activation, now time.Time) bool {
	return slices.ContainsFunc(all, func(a *activation) bool { return a.Status == statusWaiting && now.Sub(a.Ready) > longWait })
}

// placeOf says which workers may take a task.
func placeOf(g *engine.Graph, a *activation) string {
	if g == nil || inSubFlow(g, a.ID) || g.Task(a.Task) == nil {
		return ""
	}
	t := g.Task(a.Task)
	text := " of queue " + cmp.Or(t.Queue, "default")
	for i, label := range slices.Sorted(maps.Keys(t.Requires)) {
		text += map[bool]string{true: " with ", false: " and "}[i == 0] + label + "=" + t.Requires[label]
	}
	return text
}
