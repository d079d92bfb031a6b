package console

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// span is a time on a timeline, and its width in percent.
type span struct {
	from, to time.Time
	x, width float64
	cut      bool // nobody was at work: it is drawn short
}

// scale places times: a long time in which nobody was at work, as when a run waits a
// night for an answer, is drawn short, so that what happened can be told apart.
type scale struct {
	start time.Time
	spans []span
}

// cutWidth is how wide a time is drawn that is cut, in percent.
const cutWidth = 8

func newScale(from, to time.Time, all []*activation) scale {
	if !to.After(from) {
		to = from.Add(time.Millisecond)
	}
	busy := busyTimes(from, to, all)
	s, at := scale{start: from}, from
	var rest, working time.Duration
	for _, b := range busy {
		rest, working = max(rest, b.from.Sub(at)), working+b.to.Sub(b.from)
		at = b.to
	}
	if rest = max(rest, to.Sub(at)); working == 0 || rest < 5*time.Second || rest < 4*working { // nothing to cut
		s.spans = []span{{from: from, to: to, width: 100}}
		return s
	}
	at = from
	for _, b := range append(busy, span{from: to, to: to}) {
		if idle := b.from.Sub(at); idle > max(working/4, time.Second) {
			s.spans = append(s.spans, span{from: at, to: b.from, cut: true, width: cutWidth})
		} else if idle > 0 {
			s.spans = append(s.spans, span{from: at, to: b.from})
		}
		if b.to.After(b.from) {
			s.spans = append(s.spans, b)
		}
		at = b.to
	}
	s.place()
	return s
}

// place shares the width that is left among what is not cut.
func (s *scale) place() {
	width, total := 100.0, time.Duration(0)
	for _, p := range s.spans {
		width -= p.width
		if !p.cut {
			total += p.to.Sub(p.from)
		}
	}
	x := 0.0
	for i := range s.spans {
		p := &s.spans[i]
		if !p.cut {
			p.width = width * float64(p.to.Sub(p.from)) / float64(max(total, 1))
		}
		p.x = x
		x += p.width
	}
}

// busyTimes are those in which anything ran, waited for a worker or for its next
// attempt: joined where they meet, in order.
func busyTimes(from, to time.Time, all []*activation) []span {
	var times []span
	for _, a := range all {
		for _, seg := range a.Segments {
			if end := orNow(seg.To, to); end.After(from) && (seg.Kind == "run" || seg.Kind == "wait" || seg.Kind == "retry") {
				times = append(times, span{from: later(seg.From, from), to: end})
			}
		}
	}
	slices.SortFunc(times, func(a, b span) int { return a.from.Compare(b.from) })
	var joined []span
	for _, t := range times {
		if n := len(joined); n > 0 && !t.from.After(joined[n-1].to) {
			joined[n-1].to = later(joined[n-1].to, t.to)
			continue
		}
		joined = append(joined, t)
	}
	return joined
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// at is the place of a time, in percent.
func (s scale) at(t time.Time) float64 {
	for _, p := range s.spans {
		if !t.After(p.to) {
			return p.x + p.width*max(0, float64(t.Sub(p.from)))/float64(max(p.to.Sub(p.from), 1))
		}
	}
	return 100
}

// cuts are the times that are drawn short.
func (s scale) cuts() []bar {
	var all []bar
	for _, p := range s.spans {
		if p.cut {
			all = append(all, bar{X: percent(p.x), W: percent(p.width), Middle: percent(p.x + p.width/2), Class: durationText(p.to.Sub(p.from).Round(time.Second)), Text: durationText(p.to.Sub(p.from)) + " in which nothing ran, drawn short"})
		}
	}
	return all
}

// ticks are about five round times since the beginning, but for those in a cut.
func (s scale) ticks() []tick {
	end := s.spans[len(s.spans)-1].to
	var working time.Duration
	for _, p := range s.spans {
		if !p.cut {
			working += p.to.Sub(p.from)
		}
	}
	step := roundStep(working / 5)
	var all []tick
	last := -100.0
	for _, p := range s.spans {
		if p.cut {
			continue
		}
		first := (p.from.Sub(s.start) + step - 1) / step * step
		for d := first; d <= p.to.Sub(s.start) && d <= end.Sub(s.start); d += step {
			x := s.at(s.start.Add(d))
			if x-last < 9 { // they would overlap
				continue
			}
			all, last = append(all, tick{X: percent(x), Anchor: anchorAt(x), Text: tickText(d), Odd: len(all)%2 == 1}), x
		}
	}
	return all
}

func anchorAt(x float64) string {
	switch {
	case x < 2:
		return "start"
	case x > 94:
		return "end"
	}
	return "middle"
}

func tickText(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	return "+" + spaced(durationShort(d))
}

// spaced sets a unit apart from its number, where there is but one.
func spaced(text string) string {
	i := strings.IndexFunc(text, unicode.IsLetter)
	if i < 0 || strings.ContainsAny(text[i:], "0123456789") {
		return text
	}
	return text[:i] + "\u202f" + text[i:]
}

// durationShort has no more digits than a round time needs.
func durationShort(d time.Duration) string {
	text := d.String()
	switch {
	case d >= time.Hour && d%time.Minute == 0:
		text = text[:len(text)-2]
		if d%time.Hour == 0 {
			text = text[:len(text)-2]
		}
	case d >= time.Minute && d%time.Minute == 0:
		text = text[:len(text)-2]
	}
	return text
}

// roundStep is the smallest round time that is no less than d.
func roundStep(d time.Duration) time.Duration {
	for unit := time.Microsecond; unit < time.Second; unit *= 10 {
		for _, n := range []time.Duration{1, 2, 5} {
			if n*unit >= d {
				return n * unit
			}
		}
	}
	for _, round := range []time.Duration{
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	} {
		if round >= d {
			return round
		}
	}
	return (d/(24*time.Hour) + 1) * 24 * time.Hour
}
