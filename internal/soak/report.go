package soak

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// report is what a soak has come to.
type report struct {
	soak   *soak
	counts counts
	deeds  *deeds
	again  *again
	faults []fault
	found  []Finding
}

// mostTold is how many findings of a rule are told.
const mostTold = 5

// write writes the summary, as a table.
func (r *report) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	s, c := r.soak, r.counts
	row("seed", "%d", s.cfg.Seed)
	row("processes", "%d servers, %d workers", s.cfg.Servers, s.cfg.Workers)
	row("time", "%s, lease %s", s.cfg.Duration, s.cfg.Lease)
	r.writeFaults(row)
	row("runs", "%d accepted, %d ended%s; %d were not submitted, as %d were open", c.accepted, c.ended, r.statuses(), s.driver.heldBack.Load(), mostOpen)
	row("throughput", "%.1f runs/s, %.1f activations/s, %.1f events/s", r.rate(c.ended), r.rate(c.activations), r.rate(c.events))
	row("run time", "%s", r.latencies())
	row("functions", "%d attempts, executed %d times: %.2f %% again", r.again.tries, r.again.executions, r.again.share())
	row("again after", "%d a fault of their worker, %d one of others, %d none", r.again.own, r.again.others, len(r.again.unexplained))
	row("discarded", "%d commits that came too late, %d fenced attempts, %d ended before their lease; %d events without effect",
		r.deeds.counts[stale], r.deeds.counts[fenced], r.deeds.counts[late], c.discarded)
	row("submitters", "followed a run anew %d times, repeated a request %d times", s.driver.again.Load(), s.driver.askedAgain.Load())
	row("recovery", "at most %.1f s from a fault of its worker until an attempt began anew; at most %.1f s without an event of any run", r.again.recovery.Seconds(), r.pause().Seconds())
	settled := fmt.Sprintf("%.1f s after the last fault", s.settled.Seconds())
	if s.settled < 0 {
		settled = fmt.Sprintf("not within %s", s.cfg.Settle)
	}
	row("settled", "%s", settled)
	row("lost", "%d", r.broken(ruleLost))
	row("committed twice", "%d", r.broken(ruleTwice))
	row("other rules broken", "%d times", len(r.found)-r.broken(ruleLost)-r.broken(ruleTwice))
	if err := w.Flush(); err != nil {
		return err
	}
	return r.writeFound(out)
}

func (r *report) byWhat() map[string]int {
	all := map[string]int{}
	for _, f := range r.faults {
		all[f.What]++
	}
	return all
}

// pause is the longest time in which nothing was stored while runs were submitted.
func (r *report) pause() time.Duration { return r.counts.pause(r.soak.began.Add(r.soak.cfg.Duration)) }

func (r *report) writeFaults(row func(name, format string, args ...any)) {
	byWhat := r.byWhat()
	var all []string
	for _, what := range slices.Sorted(maps.Keys(byWhat)) {
		all = append(all, fmt.Sprintf("%s %d", what, byWhat[what]))
	}
	row("faults", "%d: %s", len(r.faults), sentence(all))
}

func (r *report) statuses() string {
	text := ""
	for _, status := range slices.Sorted(maps.Keys(r.counts.byStatus)) {
		text += fmt.Sprintf(", %d %s", r.counts.byStatus[status], status)
	}
	return text
}

func (r *report) rate(n int) float64 { return float64(n) / r.soak.cfg.Duration.Seconds() }

// latencies are the times from a run's submission until its end was told.
func (r *report) latencies() string {
	var all []time.Duration
	for _, s := range r.soak.driver.submissions() {
		if !s.ended.IsZero() {
			all = append(all, s.ended.Sub(s.asked))
		}
	}
	if len(all) == 0 {
		return "none has ended"
	}
	slices.Sort(all)
	at := func(percent int) time.Duration { return all[(len(all)-1)*percent/100].Round(time.Millisecond) }
	return fmt.Sprintf("p50 %s, p90 %s, p99 %s, longest %s", at(50), at(90), at(99), at(100))
}

func (r *report) broken(rule string) int {
	n := 0
	for _, f := range r.found {
		if f.Rule == rule {
			n++
		}
	}
	return n
}

// writeFound tells some of what was found of each rule.
func (r *report) writeFound(out io.Writer) error {
	told := map[string]int{}
	for _, f := range r.found {
		if told[f.Rule]++; told[f.Rule] <= mostTold {
			if _, err := fmt.Fprintln(out, "BROKEN", f); err != nil {
				return err
			}
		}
	}
	return nil
}
