package schedule

import "time"

// period is a time during which a zone's clocks go without a jump.
type period struct {
	start, end time.Time // end is excluded; zero: always was, or will be, so
	offset     time.Duration
}

// periodOf is the period that a moment is in.
func periodOf(zone *time.Location, t time.Time) period {
	t = t.In(zone)
	_, offset := t.Zone()
	p := period{offset: time.Duration(offset) * time.Second}
	p.start, p.end = t.ZoneBounds()
	// Beyond the last change that a zone's file lists, bounds are years too, of which
	// Go (1.26) ends leap ones a day early: on their last day the end has passed.
	if !p.end.IsZero() && !p.end.After(t) {
		p.end = time.Date(t.UTC().Year()+1, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return p
}

// clock is what the clocks show at a moment, written as if it were of UTC.
func (p period) clock(t time.Time) time.Time { return t.UTC().Add(p.offset) }

// moment is when the clocks would show something.
func (p period) moment(clock time.Time) time.Time { return clock.Add(-p.offset) }

// holds tells whether a moment comes before the period's end.
func (p period) holds(t time.Time) bool { return p.end.IsZero() || t.Before(p.end) }

// Next is the first of the times after a moment, zero for never.
//
// With all hours, they are the moments at which the zone's clocks show one of the
// expression's times: every hour is, those a zone has twice among them, and none that
// it skips. Else each time of day is due once, when the clocks first show it or a later
// one: one that the zone skips as they jump, one that it has twice the first time.
func (c *cronTimes) Next(after time.Time) time.Time {
	if c.hourly() {
		return c.nextMoment(after)
	}
	clock := nextMinute(periodOf(c.zone, after).clock(after))
	for {
		clock = c.civil(clock)
		if clock.IsZero() {
			return time.Time{}
		}
		if t := firstShown(c.zone, clock); t.After(after) {
			return t
		}
		clock = clock.Add(time.Minute) // it was shown before, and is again
	}
}

// nextMoment is the first moment after another at which the clocks show a time.
func (c *cronTimes) nextMoment(after time.Time) time.Time {
	p := periodOf(c.zone, after)
	from := nextMinute(p.clock(after))
	for end := after.AddDate(longest, 0, 0); ; {
		clock := c.civil(from)
		if clock.IsZero() {
			return time.Time{}
		}
		t := p.moment(clock)
		switch {
		case p.holds(t):
			return t
		case p.end.After(end):
			return time.Time{}
		}
		start := p.end
		p = periodOf(c.zone, start)
		from = nextMinute(p.clock(start).Add(-1)) // that minute too, should it be whole
	}
}

// nextMinute is the first whole minute after a time.
func nextMinute(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute) }

// firstShown is the first moment at which a zone's clocks show a time or a later one.
func firstShown(zone *time.Location, clock time.Time) time.Time {
	const farthest = 26 * time.Hour // no zone is, or was, that far from UTC
	p := periodOf(zone, clock.Add(-farthest))
	for {
		t := p.moment(clock)
		if !p.start.IsZero() && t.Before(p.start) {
			t = p.start // it was jumped over
		}
		if p.holds(t) {
			return t.UTC()
		}
		p = periodOf(zone, p.end)
	}
}
