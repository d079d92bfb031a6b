package schedule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// documentVersion is that of the form in which documents are stored.
const documentVersion = 1

// document is what is stored of a schedule. Next of the schedule is the time that is to
// be handled next.
type document struct {
	Version  int          `json:"version"`
	Schedule ops.Schedule `json:"schedule"`
	// Mark tells the schedule from those of its name that there were before.
	Mark string `json:"mark"`
	// Claims are what was decided to begin, and of which is not known whether it has.
	Claims []claim `json:"claims,omitempty"`
	// Waits is a due time whose run waits until those before have ended.
	Waits time.Time `json:"waits,omitzero"`
	// Running are runs that have begun, and may go on. With ops.OverlapAllow it is
	// but the last.
	Running []string `json:"running,omitempty"`
}

// claim is a decision to begin runs. The first of them tells it from others.
type claim struct {
	By    string    `json:"by,omitempty"` // who decided it, and sees to it; "" is whoever comes first
	At    time.Time `json:"at"`
	Begin []begin   `json:"begin"`
}

// begin is a run that is to begin.
type begin struct {
	Run    string   `json:"run"`
	Cancel []string `json:"cancel,omitempty"` // runs that it replaces
}

func decode(name string, data []byte) (*document, error) {
	d := &document{}
	err := engine.DecodeKnown(data, d)
	switch {
	case d.Version > documentVersion:
		err = fmt.Errorf("it is of version %d, this program knows %d: %w", d.Version, documentVersion, engine.ErrNewer)
	case err != nil:
	case d.Version != documentVersion:
		err = fmt.Errorf("it is of version %d, this program knows %d", d.Version, documentVersion)
	case d.Schedule.Name != name:
		err = fmt.Errorf("it is of %q", d.Schedule.Name)
	case slices.ContainsFunc(d.Claims, func(c claim) bool { return len(c.Begin) == 0 }):
		err = errors.New("a claim of it is empty")
	case d.Schedule.Created.Year() < 1970:
		err = fmt.Errorf("it was stored in %d", d.Schedule.Created.Year())
	default:
		err = Check(d.Schedule)
	}
	if err != nil {
		return nil, fmt.Errorf("read schedule %q: %w", name, err)
	}
	return d, nil
}

func (d *document) encode() ([]byte, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode schedule %q: %w", d.Schedule.Name, err)
	}
	return data, nil
}

// times are those of the schedule, which was looked at when it was read.
func (d *document) times() times {
	t, err := timesOf(d.Schedule)
	if err != nil {
		panic(err)
	}
	return t
}

// run is the id of the run of a due time: one and the same whoever begins it.
func (d *document) run(due time.Time) string {
	return d.Schedule.Name + "-" + due.UTC().Format("20060102T150405Z") + "-" + d.Mark
}

const (
	// lateBy is how late what is due may begin without having been missed.
	lateBy = time.Minute
	// mostRuns is how many runs begin for missed times at most.
	mostRuns = 100
	// longestAway is for how long missed times are counted.
	longestAway = 366 * 24 * time.Hour
	// wrongClock is how far in the future the last due time may seem.
	wrongClock = time.Hour
)

// due tells whether there is something to decide at a time.
func (d *document) due(now time.Time) bool {
	next := d.Schedule.Next
	return !next.IsZero() && !next.After(now) || !d.Waits.IsZero() || d.strayed(now)
}

// strayed tells whether the last due time was taken by a clock that was far ahead.
func (d *document) strayed(now time.Time) bool {
	s := d.Schedule
	return s.At.IsZero() && !s.Next.IsZero() && s.Last.After(now.Add(wrongClock))
}

// advance decides on what is due at a time, and returns the runs that are to begin.
// running are those of d.Running that have not ended.
func (d *document) advance(now time.Time, running []string) []begin {
	s := &d.Schedule
	if d.strayed(now) {
		s.Last, s.Next = time.Time{}, d.times().Next(now)
	}
	d.Running = running
	var all []begin
	if !d.Waits.IsZero() && len(running) == 0 {
		all = append(all, begin{Run: d.run(d.Waits)})
		d.Waits = time.Time{}
	}
	for _, due := range d.takeDue(now) {
		all = d.overlap(all, due)
	}
	return all
}

// takeDue moves on to the first time after now, and returns the times before for which
// runs are to begin, as far as those before them allow.
func (d *document) takeDue(now time.Time) []time.Time {
	s, at := &d.Schedule, d.times()
	if s.Next.IsZero() || s.Next.After(now) {
		return nil
	}
	if away := now.Add(-longestAway); s.Next.Before(away) {
		s.Next = cmpOr(at.Next(away), s.Next)
	}
	if every := time.Duration(s.Every); every > 0 { // there may be millions
		if many := now.Sub(s.Next)/every - mostRuns; many > 0 {
			s.Skipped += int(many)
			s.Next = s.Next.Add(many * every)
		}
	}
	var due []time.Time
	for ; !s.Next.IsZero() && !s.Next.After(now); s.Next = at.Next(s.Next) {
		s.Last = s.Next
		due = append(due, s.Next)
		if len(due) > 2*mostRuns { // forget the oldest
			s.Skipped += mostRuns
			due = slices.Delete(due, 0, mostRuns)
		}
	}
	keep := 1
	switch last := due[len(due)-1]; {
	case s.Missed == ops.MissedAll:
		keep = min(mostRuns, len(due))
	case s.Missed == ops.MissedSkip && now.Sub(last) > lateBy:
		keep = 0
	}
	if s.Overlap == ops.OverlapReplace {
		keep = min(keep, 1) // each would cancel the one before
	}
	s.Skipped += len(due) - keep
	return due[len(due)-keep:]
}

func cmpOr(t, or time.Time) time.Time {
	if t.IsZero() {
		return or
	}
	return t
}

// overlap adds the run of a due time to those that are to begin, as the schedule has it
// while others go on.
func (d *document) overlap(all []begin, due time.Time) []begin {
	run := begin{Run: d.run(due)}
	goesOn := len(d.Running)+len(all) > 0
	switch s := &d.Schedule; {
	case !goesOn || s.Overlap == ops.OverlapAllow:
	case s.Overlap == ops.OverlapReplace:
		run.Cancel, d.Running = d.Running, nil
	case s.Overlap == ops.OverlapWait && d.Waits.IsZero():
		d.Waits = due
		return all
	default:
		s.Skipped++
		return all
	}
	return append(all, run)
}

// claimed finds a claim, -1 for none.
func (d *document) claimed(c claim) int {
	return slices.IndexFunc(d.Claims, func(other claim) bool { return other.Begin[0].Run == c.Begin[0].Run })
}

// begun notes that a run has begun.
func (d *document) begun(run string) {
	s := &d.Schedule
	s.Begun++
	s.LastRun, s.Fault = run, ""
	if s.Overlap == ops.OverlapAllow {
		d.Running = nil
	}
	d.Running = append(d.Running, run)
	if more := len(d.Running) - mostRuns; more > 0 {
		d.Running = slices.Delete(d.Running, 0, more)
	}
}

// normal is a schedule with its defaults written out, and without what is told.
func normal(s ops.Schedule) ops.Schedule {
	s.Overlap, s.Missed = cmp.Or(s.Overlap, ops.OverlapSkip), cmp.Or(s.Missed, ops.MissedOnce)
	if s.Cron != "" {
		s.Zone = cmp.Or(s.Zone, "UTC")
	}
	if !s.At.IsZero() {
		s.At = s.At.UTC().Truncate(time.Second)
	}
	s.Created, s.Next, s.Last = time.Time{}, time.Time{}, time.Time{}
	s.LastRun, s.Fault, s.Begun, s.Skipped = "", "", 0, 0
	return s
}

// sameTimes tells whether two normal schedules are due at the same times.
func sameTimes(a, b ops.Schedule) bool {
	return a.Cron == b.Cron && a.Zone == b.Zone && a.Every == b.Every && a.At.Equal(b.At)
}
