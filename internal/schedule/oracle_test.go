package schedule_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/graflow/graflow-wasm/internal/schedule"
)

// oracle tells the times of a cron expression by looking at a zone's clocks minute by
// minute. It knows lists of numbers and "*" only.
type oracle struct{ fields [5]map[int]bool } // nil: any

func newOracle(text string) oracle {
	var o oracle
	for i, field := range strings.Fields(text) {
		if field == "*" {
			continue
		}
		o.fields[i] = map[int]bool{}
		for _, number := range strings.Split(field, ",") {
			n, err := strconv.Atoi(number)
			if err != nil {
				panic(err)
			}
			o.fields[i][n] = true
		}
	}
	return o
}

func (o oracle) means(clock time.Time) bool {
	ok := func(i, n int) bool { return o.fields[i] == nil || o.fields[i][n] }
	dom, dow := ok(2, clock.Day()), ok(4, int(clock.Weekday()))
	day := dom && dow
	if o.fields[2] != nil && o.fields[4] != nil {
		day = dom || dow
	}
	return ok(0, clock.Minute()) && ok(1, clock.Hour()) && ok(3, int(clock.Month())) && day
}

// between are the times after one moment, and up to another.
func (o oracle) between(zone *time.Location, after, to time.Time) []time.Time {
	var all []time.Time
	shown := func(t time.Time) time.Time {
		t = t.In(zone)
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	}
	begin := after.Truncate(time.Minute).Add(-50 * time.Hour)
	latest := shown(begin)
	for t := begin.Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
		clock, due := shown(t), false
		if o.fields[1] == nil {
			due = o.means(clock)
		} else {
			for c := latest.Add(time.Minute); !c.After(clock); c = c.Add(time.Minute) {
				due = due || o.means(c)
			}
		}
		if clock.After(latest) {
			latest = clock
		}
		if due && t.After(after) {
			all = append(all, t)
		}
	}
	return all
}

// jumps are moments near which zones jump, one a line.
var jumps = []struct{ zone, at string }{
	{"Europe/Berlin", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
	{"America/New_York", "2026-11-01T06:00:00Z"},
	{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
	{"America/Sao_Paulo", "2018-11-04T03:00:00Z"},
	{"America/Sao_Paulo", "2019-02-17T02:00:00Z"},
	{"Pacific/Apia", "2011-12-30T10:00:00Z"},
	{"Africa/Casablanca", "2026-02-15T02:00:00Z"},
	{"Africa/Casablanca", "2026-03-22T02:00:00Z"},
	{"America/Havana", "2026-11-01T05:00:00Z"},
	{"America/St_Johns", "2010-11-07T02:31:00Z"},
	{"Antarctica/Troll", "2026-03-29T01:00:00Z"},
	{"Asia/Pyongyang", "2015-08-14T15:00:00Z"},
	{"Asia/Kathmandu", "2026-05-01T00:00:00Z"},
	{"UTC", "2024-02-29T00:00:00Z"},
}

func TestTimesAreThoseOfAnOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		jump := rapid.SampledFrom(jumps).Draw(t, "jump")
		zone, err := time.LoadLocation(jump.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, jump.at)
		if err != nil {
			t.Fatal(err)
		}
		here := at.In(zone)
		list := func(name string, from, to int, near ...int) string {
			if rapid.Bool().Draw(t, name+" any") {
				return "*"
			}
			number := rapid.OneOf(rapid.SampledFrom(near), rapid.IntRange(from, to))
			var texts []string
			for _, n := range rapid.SliceOfN(number, 1, 4).Draw(t, name) {
				texts = append(texts, strconv.Itoa(n))
			}
			return strings.Join(texts, ",")
		}
		text := strings.Join([]string{
			list("minute", 0, 59, 0, 30), list("hour", 0, 23, 0, 1, 2, 3, here.Hour(), here.Add(-time.Minute).Hour()), list("dom", 1, 31, here.Day(), here.AddDate(0, 0, -1).Day()),
			list("month", 1, 12, int(here.Month())), list("dow", 0, 6, int(here.Weekday())),
		}, " ")
		after := at.Add(time.Duration(rapid.IntRange(-2*24*3600, 24*3600).Draw(t, "after")) * time.Second)
		to := after.Add(72 * time.Hour)
		want := newOracle(text).between(zone, after, to)
		got, err := schedule.Upcoming(cronIn(jump.zone, text), after, len(want)+1)
		if err != nil {
			if len(want) == 0 && strings.Contains(err.Error(), "no such day") {
				return
			}
			t.Fatalf("%q: %v", text, err)
		}
		got = slices.DeleteFunc(got, func(t time.Time) bool { return t.After(to) })
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q in %s after %s\ngot  %v\nwant %v", text, jump.zone, after, got, want)
		}
	})
}
