package schedule

import (
	"errors"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // zones are the same wherever there is no zoneinfo

	"github.com/graflow/graflow-wasm/internal/ops"
)

// times are those at which something is due.
type times interface {
	// Next is the first of them after a moment, in UTC, zero for never.
	Next(after time.Time) time.Time
}

// interval is every so often from an anchor on, which is not among them.
type interval struct {
	anchor time.Time
	every  time.Duration
}

// Next implements times.
func (i interval) Next(after time.Time) time.Time {
	if after.Before(i.anchor) {
		after = i.anchor
	}
	passed := after.Sub(i.anchor)
	return i.anchor.Add(passed - passed%i.every + i.every).UTC()
}

// once is a single time.
type once time.Time

// Next implements times.
func (o once) Next(after time.Time) time.Time {
	if t := time.Time(o); t.After(after) {
		return t.UTC()
	}
	return time.Time{}
}

// timesOf are those of a schedule that passed Check, and has a time of creation.
func timesOf(s ops.Schedule) (times, error) {
	switch {
	case s.Cron != "":
		zone, err := zoneOf(s.Zone)
		if err != nil {
			return nil, err
		}
		return parseCron(s.Cron, zone)
	case s.Every > 0:
		return interval{anchor: s.Created, every: time.Duration(s.Every)}, nil
	case !s.At.IsZero():
		return once(s.At), nil
	}
	return nil, errors.New("it has no times: want one of cron, every and at")
}

// zones are those that were found, by their names.
var zones sync.Map

// zoneOf finds a zone by its name.
func zoneOf(name string) (*time.Location, error) {
	if found, ok := zones.Load(name); ok {
		return found.(*time.Location), nil //nolint:forcetypeassert // nothing else is in there
	}
	if name == "Local" {
		return nil, errors.New(`"Local" is another zone in every process: want a name as Europe/Berlin`)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q: there is no such time zone: want a name as Europe/Berlin", name)
	}
	zones.Store(name, zone)
	return zone, nil
}

// Upcoming are the first n times after a moment at which a schedule is due, fewer if
// it has no more. Of one that was not stored, intervals begin at that moment. An
// ops.Invalid says what is wrong with the schedule.
func Upcoming(s ops.Schedule, after time.Time, n int) ([]time.Time, error) {
	if err := Check(s); err != nil {
		return nil, err
	}
	if s.Created.IsZero() {
		s.Created = after.Truncate(time.Second)
	}
	at, err := timesOf(s)
	if err != nil {
		return nil, err
	}
	var all []time.Time
	for next := at.Next(after); len(all) < n && !next.IsZero(); next = at.Next(next) {
		all = append(all, next)
	}
	return all, nil
}
