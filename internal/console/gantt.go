package console

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// Bounds of a timeline.
const (
	maxRows  = 400
	minWidth = 0.35 // of a bar, in percent: what took no time is seen too
)

// gantt is the timeline of a run: a row for each activation, a bar for each time in its
// life. Places are in percent of the width.
type gantt struct {
	Rows  []ganttRow
	More  int // rows that are too many
	Ticks []tick
	Took  time.Duration
	Cuts  []bar // long times in which nobody was at work, drawn short
}

type ganttRow struct {
	*activation

	Depth int
	Bars  []bar
	Label string // all bars in words
}

type bar struct {
	X, W   string // in percent
	Middle string // likewise, of a cut
	Class  string // of a cut: how long it is
	Text   string
}

type tick struct {
	X, Anchor, Text string
	Odd             bool // it may be left out where there is little room
}

// newGantt draws activations from a run's beginning until its end, or until now.
func newGantt(s control.Story, all []*activation, now time.Time) gantt {
	from, to := s.Started, s.Ended
	if to.IsZero() {
		to = now
	}
	scale := newScale(from, to, all)
	g := gantt{Took: to.Sub(from), Ticks: scale.ticks(), Cuts: scale.cuts()}
	for _, a := range all {
		row := ganttRow{activation: a, Depth: depthOf(a.ID)}
		for _, seg := range a.Segments {
			if end := orNow(seg.To, to); end.Before(from) { // of the run that this one goes on from
				continue
			}
			row.Bars = append(row.Bars, scale.bar(seg, to))
			if row.Label != "" {
				row.Label += "; "
			}
			row.Label += seg.Text
		}
		// What ran is drawn over what waited: it may have taken no time.
		slices.SortStableFunc(row.Bars, func(a, b bar) int { return strings.Compare(runs(a.Class), runs(b.Class)) })
		switch {
		case len(row.Bars) == 0:
		case len(g.Rows) == maxRows:
			g.More++
		default:
			g.Rows = append(g.Rows, row)
		}
	}
	return g
}

// runs orders bars: those of attempts come last.
func runs(class string) string {
	if strings.HasPrefix(class, "b-run") {
		return "2"
	}
	return "1"
}

func orNow(t, now time.Time) time.Time {
	if t.IsZero() || t.After(now) {
		return now
	}
	return t
}

func depthOf(id string) (n int) {
	for _, r := range id {
		if r == '/' {
			n++
		}
	}
	return min(n, 4)
}

// bar is a segment in place, and its class: what it is, and how it ended.
func (s scale) bar(seg segment, now time.Time) bar {
	from, to := s.at(seg.From), s.at(orNow(seg.To, now))
	width := max(to-from, minWidth)
	from = min(from, 100-width)
	class := "b-" + seg.Kind
	if seg.Kind == "run" {
		class += " is-" + string(seg.Status)
	}
	text := seg.Text
	if seg.Kind != "run" || seg.Status == engine.StatusRunning {
		text += ", " + durationText(orNow(seg.To, now).Sub(seg.From))
	}
	return bar{X: percent(from), W: percent(width), Class: class, Text: text}
}

func percent(x float64) string { return fmt.Sprintf("%.3f%%", x) }
