package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// cronFields are the fields of a cron expression, in their order.
var cronFields = []struct {
	name, values string
	only         cron.ParseOption
	bits         func(*cron.SpecSchedule) uint64
}{
	{"minute", "0-59", cron.Minute, func(s *cron.SpecSchedule) uint64 { return s.Minute }},
	{"hour", "0-23", cron.Hour, func(s *cron.SpecSchedule) uint64 { return s.Hour }},
	{"day of month", "1-31", cron.Dom, func(s *cron.SpecSchedule) uint64 { return s.Dom }},
	{"month", "1-12 or jan-dec", cron.Month, func(s *cron.SpecSchedule) uint64 { return s.Month }},
	{"day of week", "0-6 or sun-sat, 0 is Sunday", cron.Dow, func(s *cron.SpecSchedule) uint64 { return s.Dow }},
}

// cronNames are expressions that have a name.
var cronNames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// star is set in a field that says nothing, as robfig/cron has it.
const star = 1 << 63

// cronTimes are the times of a cron expression in a zone.
type cronTimes struct {
	minute, hour, dom, month, dow uint64 // a bit for each value
	zone                          *time.Location
}

// parseCron reads a cron expression. The error points at the field that is wrong.
func parseCron(text string, zone *time.Location) (*cronTimes, error) {
	if strings.HasPrefix(text, "@") {
		expanded, ok := cronNames[text]
		if !ok {
			return nil, fmt.Errorf("%q: want @hourly, @daily, @weekly, @monthly or @yearly; an interval is no cron expression", text)
		}
		text = expanded
	}
	fields := strings.Fields(text)
	if len(fields) > 0 && strings.Contains(fields[0], "TZ=") {
		return nil, errors.New("the time zone is a field of its own")
	}
	if len(fields) != len(cronFields) {
		return nil, fmt.Errorf("it has %d fields, want 5: minute, hour, day of month, month, day of week", len(fields))
	}
	var parsed [5]uint64
	for i, field := range fields {
		set, err := parseField(i, field)
		if err != nil {
			return nil, &fieldError{text: strings.Join(fields, " "), at: len(strings.Join(fields[:i], " ")) + min(i, 1), number: i, field: field, err: err}
		}
		parsed[i] = set
	}
	t := &cronTimes{minute: parsed[0], hour: parsed[1], dom: parsed[2], month: parsed[3], dow: parsed[4], zone: zone}
	if t.civil(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("%q: no such day comes in any year", text)
	}
	return t, nil
}

// fieldShape is what a field may look like. Robfig's parser takes more, and then
// means less.
var fieldShape = regexp.MustCompile(`^(?:[*?]|\w+(?:-\w+)?)(?:/\d{1,4})?(?:,(?:[*?]|\w+(?:-\w+)?)(?:/\d{1,4})?)*$`)

func parseField(i int, text string) (uint64, error) {
	f := cronFields[i]
	if !fieldShape.MatchString(text) {
		return 0, fmt.Errorf("want *, a number, a range as 1-5, a step as */15, or several with commas, of %s", f.values)
	}
	parsed, err := cron.NewParser(f.only).Parse(text)
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), ": ") // what comes then is the text again
		return 0, fmt.Errorf("%s; want %s", reason, f.values)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok || f.bits(spec)&^star == 0 {
		return 0, fmt.Errorf("want %s", f.values)
	}
	return f.bits(spec), nil
}

// fieldError is a field of a cron expression that is wrong.
type fieldError struct {
	text   string
	at     int // of the field, in bytes of the text
	number int
	field  string
	err    error
}

// Error implements error: the expression, and an arrow below the field.
func (e *fieldError) Error() string {
	return fmt.Sprintf("field %d, the %s, is %q: %v\n  %s\n  %s", e.number+1, cronFields[e.number].name, e.field, e.err,
		e.text, strings.Repeat(" ", e.at)+strings.Repeat("^", len(e.field)))
}

func (e *fieldError) Unwrap() error { return e.err }

// hourly tells whether all hours are meant. Then it is the passing of time that
// counts, else the clock on the wall.
func (c *cronTimes) hourly() bool { return bits.OnesCount64(c.hour&^star) == 24 }

func has(set uint64, n int) bool { return set&(1<<n) != 0 }

// day tells whether a day is meant. With both days given, either will do.
func (c *cronTimes) day(t time.Time) bool {
	dom, dow := has(c.dom, t.Day()), has(c.dow, int(t.Weekday()))
	if c.dom&star != 0 || c.dow&star != 0 {
		return dom && dow
	}
	return dom || dow
}

// longest is how long at most no day comes that ever does: 29 February, around a
// century's turn.
const longest = 9 // years

// civil is the first time of day from a whole minute on that the expression means, zero
// for never. Times of day are written as if they were of UTC.
func (c *cronTimes) civil(from time.Time) time.Time {
	for t, end := from, from.AddDate(longest, 0, 0); t.Before(end); {
		switch {
		case !has(c.month, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.day(t):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hour, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minute, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}
