package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/bench/internal/record"
)

// Page is what is made of records, Markdown and SVG.
type Page struct {
	Summary string
	Details string            // a table for each case, with all that was measured
	Plots   map[string]string // by the names of their files
}

// Make makes a page. Its Summary shows plots and leads to details as files in the
// directory that is given.
func Make(lines []record.Line, directory string) (Page, error) {
	all := gather(lines)
	if len(all) == 0 {
		return Page{}, errors.New("no measurement among the records")
	}
	plots := map[string]string{}
	summary := &page{all: all, directory: directory, plots: plots}
	summary.machine(lines)
	summary.missing(lines)
	summary.lost()
	summary.sandboxes(summary.overview)
	summary.queues(summary.overview)
	summary.line(published)
	summary.line("[All figures of all cases](%s/%s), the [records](%s) they come from.", directory, DetailsFile, directory)
	details := &page{all: all}
	details.line("# Beside others, in full\n")
	details.line(`Made by make bench-report of the records beside it; a summary is in BENCHMARKS.md. *p50* and *p99* are
the medians of those of the rounds, *min* and *max* those of all calls; *to ours* compares what counts
in the case, a time or a rate.
`)
	details.machine(lines)
	details.missing(lines)
	details.sandboxes(details.tables)
	details.queues(details.tables)
	return Page{Summary: summary.text.String(), Details: details.text.String(), Plots: plots}, nil
}

// DetailsFile is how the page's details are called.
const DetailsFile = "README.md"

type page struct {
	all       []series
	directory string
	plots     map[string]string
	text      strings.Builder
}

func (p *page) line(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// machine tells where it was measured: each machine and program once, with the loads at
// the starts of its runs.
func (p *page) machine(lines []record.Line) {
	var order []string
	loads, first := map[string][]float64{}, map[string]record.Machine{}
	for _, l := range lines {
		if m := l.Machine; m != nil {
			is := fmt.Sprintf("%s, %d cores, %.0f GiB, %s, kernel %s, %s", m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.System, m.Kernel, m.Go)
			if _, known := first[is]; !known {
				order = append(order, is)
				first[is] = *m
			}
			loads[is] = append(loads[is], m.Load)
		}
	}
	for _, is := range order {
		m, load := first[is], spreadOf(loads[is])
		fsync := ""
		if m.Fsync > 0 {
			fsync = fmt.Sprintf(" An fsync of 4 KiB took %s there.", measure.Duration(m.Fsync))
		}
		busy := ""
		if load.high > float64(m.Cores)/2 {
			busy = " **The machine was busy: don't trust these figures, repeat them.**"
		}
		p.line("- `%s` on %s: %s. Load at the start of its parts %.1f to %.1f.%s%s", m.Command, m.Time.Format(time.DateOnly), is, load.low, load.high, fsync, busy)
	}
	p.line("")
}

func (p *page) missing(lines []record.Line) {
	var told []string
	for _, l := range lines {
		if m := l.Missing; m != nil {
			what := strings.Join(slices.DeleteFunc([]string{m.Who, m.Case, m.Class}, func(s string) bool { return s == "" }), ", ")
			if line := fmt.Sprintf("- Not measured: %s: %s", what, firstLine(m.Why)); !slices.Contains(told, line) {
				told = append(told, line)
			}
		}
	}
	for _, s := range p.all {
		again := 0
		for _, m := range s.rounds {
			again += m.Again // of all cases of the turn, told with each
		}
		if again > 0 && s.name == "job" {
			told = append(told, fmt.Sprintf("- Executed more than once, without a crash: %s, %s: %d", s.label(), s.class, again))
		}
	}
	if len(told) > 0 {
		p.line("%s\n", strings.Join(told, "\n"))
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// writer writes the cases of a class; "" is all there is. Its plots are named.
type writer func(subjects []subject, class, name string)

func (p *page) sandboxes(write writer) {
	if !p.has("sandbox") {
		return
	}
	p.line("### Sandboxes\n")
	p.line(`One module is called on all hosts; of Extism it's a plug-in that does the same work. *Fresh*: an
instance for each task; ours begin each from the same state too, by a snapshot. *Reused* leaves in
the sandbox what a task left there. wazero and Extism can stop a guest only where it says so.
`)
	write(sandboxes, "", "sandbox")
}

func (p *page) queues(write writer) {
	if !p.has("queue") {
		return
	}
	p.line("### Queues and flows\n")
	p.line(`A job does nothing. What survives what is a class, and only within a class things compare. Chains
and joins are built in with us and with Temporal; with asynq and JetStream they are written by hand,
so that a crash between two steps repeats one; with River by hand, in transactions. asynq tells
nobody that a task is done: Redis is asked to tell of it. *Eager*: asynq looks for tasks each 5 ms,
River fetches again after 1 ms. Ours on NATS and JetStream have their server in the same process, the
others reach theirs over TCP. A job is to Temporal a workflow of one activity, to us a run of one task.
`)
	for i, class := range classes {
		if len(of(p.all, "queue", "job", class, anyWorkers)) == 0 {
			continue
		}
		p.line("#### %s\n", strings.ToUpper(class[:1])+class[1:])
		p.durability(class)
		write(queues, class, fmt.Sprint("queue-", i+1))
	}
}

func (p *page) has(part string) bool {
	return slices.ContainsFunc(p.all, func(s series) bool { return s.part == part })
}

// durability says what each system of a class is made durable by.
func (p *page) durability(class string) {
	t := measure.Table{{"system", "version", "durability", "a power cut loses"}}
	for _, s := range of(p.all, "queue", "job", class, anyWorkers) {
		t.Add(s.label(), s.version, s.durability, s.loses)
	}
	p.line("%s", t)
}

// overview writes two plots, of times and of rates, and one table of all cases.
func (p *page) overview(subjects []subject, class, name string) {
	for _, rate := range []bool{false, true} {
		if c, ok := p.chart(subjects, class, rate); ok {
			file := name + "-time.svg"
			if rate {
				file = name + "-rate.svg"
			}
			p.plots[file] = c.svg()
			p.line("![%s](%s/%s)\n", c.title, p.directory, file)
		}
	}
	p.pivot(subjects, class)
}

// pivot has a row for each contender and a column for each case.
func (p *page) pivot(subjects []subject, class string) {
	var labels []string
	cells := map[string]string{}
	head := []string{"what counts, and to ours"}
	for _, s := range subjects {
		rows := of(p.all, s.part, s.name, class, s.workers)
		if len(rows) == 0 {
			continue
		}
		head = append(head, s.short)
		base := baseline(rows)
		for _, r := range rows {
			if !slices.Contains(labels, r.label()) {
				labels = append(labels, r.label())
			}
			cell := s.figure(r)
			if base != nil && base.label() != r.label() {
				cell += fmt.Sprintf(" (%s)", ratio(s.ratio(r, *base)))
			}
			cells[r.label()+"\x00"+s.short] = cell
		}
	}
	t := measure.Table{head}
	for _, label := range labels {
		row := []any{label}
		for _, column := range head[1:] {
			row = append(row, cells[label+"\x00"+column])
		}
		t.Add(row...)
	}
	p.line("%s", t)
}

// tables writes a table for each case.
func (p *page) tables(subjects []subject, class, _ string) {
	for _, s := range subjects {
		p.table(s, of(p.all, s.part, s.name, class, s.workers))
	}
}

// ratio prints what is once as much with two digits.
func ratio(f float64) string {
	if f >= 99.5 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.2g", f)
}

func (p *page) table(s subject, rows []series) {
	if len(rows) == 0 {
		return
	}
	base := baseline(rows)
	timed := rows[0].p99().mid > 0
	head := []string{s.title, "tasks/s", "slowest to fastest round"}
	if timed {
		head = []string{s.title, "p50", "p50 of rounds", "p99", "min to max", "tasks/s"}
	}
	t := measure.Table{append(head, "to ours", "tasks")}
	for _, r := range rows {
		rate, compared := r.rate(), "–"
		if base != nil {
			compared = ratio(s.ratio(r, *base))
		}
		if timed {
			p50 := r.p50()
			t.Add(r.label(), p50.mid, fmt.Sprintf("%s to %s", measure.Duration(p50.low), measure.Duration(p50.high)), r.p99().mid,
				fmt.Sprintf("%s to %s", measure.Duration(r.fastest()), measure.Duration(r.slowest())), rate.mid, compared, r.tasks())
		} else {
			t.Add(r.label(), rate.mid, fmt.Sprintf("%.0f to %.0f", rate.low, rate.high), compared, r.tasks())
		}
	}
	p.line("%s", t)
}

// ratio is of what counts in a case.
func (s subject) ratio(r, base series) float64 {
	if s.rate {
		return r.rate().mid / base.rate().mid
	}
	return float64(r.p50().mid) / float64(base.p50().mid)
}

// chart is a plot of the cases of a class of which times, or rates, count.
func (p *page) chart(subjects []subject, class string, rate bool) (chart, bool) {
	c := chart{
		title: "Time of one", note: "dot: median of the rounds' p50; band: lowest to highest round; line to p99. Logarithmic, less is better.",
		unit: func(v float64) string { return measure.Duration(time.Duration(v)) },
	}
	if rate {
		c.title, c.note = "How many a second", "dot: median of the rounds; band: slowest to fastest round. Logarithmic, more is better."
		c.unit = func(v float64) string { return fmt.Sprintf("%.0f/s", v) }
	}
	if class != "" {
		c.title += ", " + class
	}
	for _, s := range subjects {
		if s.rate != rate {
			continue
		}
		if rows := of(p.all, s.part, s.name, class, s.workers); len(rows) > 0 {
			c.panels = append(c.panels, panel{title: s.title, bars: bars(rows, rate)})
		}
	}
	return c, len(c.panels) > 0
}

func bars(rows []series, rate bool) []bar {
	var all []bar
	for _, r := range rows {
		b := bar{label: r.label(), ours: r.ours()}
		if rate {
			v := r.rate()
			b.low, b.mid, b.high, b.value = v.low, v.mid, v.high, fmt.Sprintf("%.3g/s", v.mid)
			if v.mid >= 100 {
				b.value = fmt.Sprintf("%.0f/s", v.mid)
			}
		} else {
			v := r.p50()
			b.low, b.mid, b.high = float64(v.low), float64(v.mid), float64(v.high)
			b.tail, b.value = float64(r.p99().mid), measure.Duration(v.mid)
		}
		all = append(all, b)
	}
	return all
}
