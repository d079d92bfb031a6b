package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/term"
)

// section is a table of top.
type section struct {
	name string
	// keys are the names of the orders that it can be in, the first of them the default.
	keys []string
	// has tells whether there is such a thing in a place.
	has func(standing) bool
	// table has a row for each, in the order of a key, or the other way round.
	table func(s standing, key string, reverse bool) *term.Table
}

var topSections = []section{
	{name: "runs", keys: runOrders.names(), has: func(standing) bool { return true }, table: runsTable},
	{name: "queues", keys: queueOrders.names(), has: func(s standing) bool { return s.cluster }, table: queuesTable},
	{name: "workers", keys: workerOrders.names(), has: func(s standing) bool { return s.cluster }, table: workersTable},
}

// orders are the orders of a section, by name.
type orders[T any] []struct {
	name string
	less func(a, b T) int
}

func (o orders[T]) names() []string {
	var names []string
	for _, one := range o {
		names = append(names, one.name)
	}
	return names
}

// sorted is all in the order of a key; what is equal there stays as it is.
func (o orders[T]) sorted(all []T, key string, reverse bool) []T {
	all = slices.Clone(all)
	for _, one := range o {
		if one.name == key {
			slices.SortStableFunc(all, func(a, b T) int {
				if reverse {
					a, b = b, a
				}
				return one.less(a, b)
			})
		}
	}
	return all
}

var runOrders = orders[control.Summary]{
	{"open", func(a, b control.Summary) int { return boolInt(b.Ended.IsZero()) - boolInt(a.Ended.IsZero()) }},
	{"began", func(a, b control.Summary) int { return b.Started.Compare(a.Started) }},
	{"status", func(a, b control.Summary) int { return cmp.Compare(a.Status, b.Status) }},
	{"flow", func(a, b control.Summary) int { return cmp.Compare(a.Flow, b.Flow) }},
	{"steps", func(a, b control.Summary) int { return cmp.Compare(b.Steps, a.Steps) }},
	{"run", func(a, b control.Summary) int { return cmp.Compare(a.Run, b.Run) }},
}

var queueOrders = orders[ops.Queue]{
	{"ready", func(a, b ops.Queue) int { return cmp.Compare(b.Ready, a.Ready) }},
	{"running", func(a, b ops.Queue) int { return cmp.Compare(b.InFlight, a.InFlight) }},
	{"oldest", func(a, b ops.Queue) int { return cmp.Compare(b.Oldest, a.Oldest) }},
	{"queue", func(a, b ops.Queue) int { return cmp.Compare(a.Queue, b.Queue) }},
}

var workerOrders = orders[ops.Worker]{
	{"node", func(a, b ops.Worker) int { return cmp.Compare(a.Node, b.Node) }},
	{"running", func(a, b ops.Worker) int { return cmp.Compare(b.Running, a.Running) }},
	{"load", func(a, b ops.Worker) int { return cmp.Compare(loadOf(b), loadOf(a)) }},
	{"started", func(a, b ops.Worker) int { return a.Started.Compare(b.Started) }},
}

func loadOf(w ops.Worker) float64 { return float64(w.Running) / float64(max(1, w.Concurrency)) }

func runsTable(s standing, key string, reverse bool) *term.Table {
	t := term.NewTable(
		term.Column{Title: "RUN", Min: 10}, term.Column{Title: "FLOW", Rank: 1, Min: 6}, term.Column{Title: "STATUS", Min: 12},
		term.Column{Title: "STEPS", Right: true, Rank: 3}, term.Column{Title: "AGE", Right: true, Rank: 2, Min: 5}, term.Column{Title: "TOOK", Right: true, Rank: 4, Min: 5},
	)
	for _, r := range runOrders.sorted(s.Runs, key, reverse) {
		age, took := "", ""
		if !r.Started.IsZero() {
			age = shortTime(s.Time.Sub(r.Started))
		}
		if !r.Ended.IsZero() {
			took = roundDuration(r.Ended.Sub(r.Started)).String()
		}
		t.Add(term.Text(r.Run), term.Text(r.Flow), term.Marked(string(r.Status), statusText(r)), term.Text(strconv.Itoa(r.Steps)), term.Text(age), term.Text(took))
	}
	return t
}

func queuesTable(s standing, key string, reverse bool) *term.Table {
	t := term.NewTable(
		term.Column{Title: "QUEUE", Min: 8}, term.Column{Title: "PRIORITY", Rank: 2}, term.Column{Title: "REQUIRES", Rank: 3},
		term.Column{Title: "READY", Right: true}, term.Column{Title: "RUNNING", Right: true}, term.Column{Title: "LIMIT", Right: true, Rank: 5},
		term.Column{Title: "AGAIN", Right: true, Rank: 4}, term.Column{Title: "OLDEST", Right: true, Rank: 1},
	)
	for _, q := range queueOrders.sorted(s.Queues, key, reverse) {
		ready := readyCell(q.Ready, q.InFlight)
		ready.Text = strconv.FormatUint(q.Ready, 10)
		oldest := "-"
		if q.Oldest > 0 {
			oldest = shortTime(time.Duration(q.Oldest * float64(time.Second)))
		}
		t.Add(term.Text(q.Queue), term.Text(string(q.Priority)), term.Text(orDash(labelText(q.Requires))), ready,
			term.Text(strconv.Itoa(q.InFlight)), term.Text(orNone(q.Limit)), term.Text(orNone(q.Again)), term.Text(oldest))
	}
	return t
}

func orNone(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func workersTable(s standing, key string, reverse bool) *term.Table {
	t := term.NewTable(
		term.Column{Title: "NODE", Min: 8}, term.Column{Title: "ROLE", Rank: 3}, term.Column{Title: "RUNNING", Min: 11},
		term.Column{Title: "QUEUES", Rank: 1, Min: 7}, term.Column{Title: "LABELS", Rank: 4}, term.Column{Title: "HOST", Rank: 5}, term.Column{Title: "FOR", Rank: 2, Right: true},
	)
	for _, w := range workerOrders.sorted(s.Workers, key, reverse) {
		t.Add(term.Text(w.Node), term.Text(w.Role), workload(w.Running, w.Concurrency, w.Draining), term.Text(strings.Join(w.Queues, ",")),
			term.Text(orDash(labelText(w.Labels))), term.Text(w.Host), term.Text(shortTime(s.Time.Sub(w.Started))))
	}
	return t
}

// shortTime is how long ago something was, in two units at most.
func shortTime(d time.Duration) string {
	switch d = max(0, d); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// summary tells in a few words how a place stands.
func (s standing) summary() string {
	counts := map[string]int{}
	for _, r := range s.Runs {
		counts[string(r.Status)]++
	}
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[status], status))
	}
	text := "runs: " + cmp.Or(strings.Join(parts, ", "), "none")
	if s.More {
		text += ", and older ones"
	}
	return text
}

// work tells in a few words what a cluster has to do.
func (s standing) work() string {
	ready, held, running, slots := uint64(0), 0, 0, 0
	for _, q := range s.Queues {
		ready, held = ready+q.Ready, held+q.InFlight
	}
	for _, w := range s.Workers {
		running, slots = running+w.Running, slots+w.Concurrency
	}
	text := fmt.Sprintf("%s, %d/%d tasks; queues: %d ready, %d running", countOf(len(s.Workers), "worker", "workers"), running, slots, ready, held)
	switch {
	case s.Dead >= deadBatch:
		text += fmt.Sprintf("; %d dead letters or more", s.Dead)
	case s.Dead > 0:
		text += "; " + countOf(s.Dead, "dead letter", "dead letters")
	}
	return text
}
