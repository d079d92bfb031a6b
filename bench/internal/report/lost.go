package report

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// noise is how much better somebody has to be before it's told: less than that two
// rounds of one contender are apart.
const noise = 1.1

// lost tells every case in which somebody is better than the best of ours of the same
// class.
func (p *page) lost() {
	t := measure.Table{{"where we lose", "class", "ours, at best", "better", "by"}}
	for _, s := range append(append([]subject(nil), sandboxes...), queues...) {
		for _, class := range p.classesOf(s) {
			rows := of(p.all, s.part, s.name, class, s.workers)
			if best := s.best(rows); best != nil {
				if better := s.better(rows, *best); len(better) > 0 {
					t.Add(s.title, dash(class), fmt.Sprintf("%s (%s)", s.figure(*best), best.label()), strings.Join(better, "; "), s.most(rows, *best))
				}
			}
		}
	}
	if len(t) > 1 {
		p.line("%s", t)
	}
}

func (p *page) classesOf(s subject) []string {
	if s.part == "queue" {
		return classes
	}
	return []string{""}
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// figure is what counts in the case, printed.
func (s subject) figure(r series) string {
	if s.rate {
		return fmt.Sprintf("%.0f/s", r.rate().mid)
	}
	return measure.Duration(r.p50().mid)
}

// factor is how many times better a is than b.
func (s subject) factor(a, b series) float64 {
	if s.rate {
		return s.ratio(a, b)
	}
	return s.ratio(b, a)
}

// best is the best of ours; nil: there is none.
func (s subject) best(rows []series) *series {
	var best *series
	for i := range rows {
		if rows[i].ours() && (best == nil || s.factor(rows[i], *best) > 1) {
			best = &rows[i]
		}
	}
	return best
}

func (s subject) better(rows []series, best series) []string {
	var all []string
	for _, r := range rows {
		if !r.ours() && s.factor(r, best) > noise {
			all = append(all, fmt.Sprintf("%s %s", r.label(), s.figure(r)))
		}
	}
	return all
}

func (s subject) most(rows []series, best series) string {
	most := 0.0
	for _, r := range rows {
		if !r.ours() {
			most = max(most, s.factor(r, best))
		}
	}
	return ratio(most) + " times"
}
