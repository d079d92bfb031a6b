package schedule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
)

func cronIn(zone, text string) ops.Schedule {
	return ops.Schedule{Name: "x", Target: ops.Target{Flow: "f"}, Cron: text, Zone: zone}
}

// TestTimes holds times of zones against what people expect of them. Times after the
// first are those that follow, in the zone.
func TestTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, zone, cron, after string
		want                    []string
	}{
		{"a gap moves a time of day to its end", "Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"a gap moves several to one", "Europe/Berlin", "*/20 1,2 * * *", "2026-03-29T01:20:00+01:00", []string{"2026-03-29T01:40:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T01:00:00+02:00"}},
		{"what is due at a gap's end is due once", "Europe/Berlin", "0 2-3 * * *", "2026-03-29T00:00:00+01:00", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00"}},
		{"an overlap has a time of day once", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"an overlap has several once", "Europe/Berlin", "0,30 2,3 * * *", "2026-10-25T02:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00"}},
		{"hours pass in a gap", "Europe/Berlin", "30 * * * *", "2026-03-29T00:30:00+01:00", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"}},
		{"hours pass in an overlap", "Europe/Berlin", "30 * * * *", "2026-10-25T01:30:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"asked in an overlap's second half", "Europe/Berlin", "45 2 * * *", "2026-10-25T02:30:00+01:00", []string{"2026-10-26T02:45:00+01:00"}},
		{"asked in a gap's end", "America/New_York", "0 6 * * *", "2026-03-08T03:00:00-04:00", []string{"2026-03-08T06:00:00-04:00"}},
		{"a gap at midnight", "America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00:00-03:00", []string{"2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"a gap of half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"an overlap of half an hour", "Australia/Lord_Howe", "45 * * * *", "2026-04-05T00:50:00+11:00", []string{"2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-05T02:45:00+10:30"}},
		{"a gap of a day", "Pacific/Apia", "0 6 * * *", "2011-12-29T07:00:00-10:00", []string{"2011-12-31T00:00:00+14:00", "2011-12-31T06:00:00+14:00"}},
		{"a gap of two hours", "Antarctica/Troll", "30 1 * * *", "2026-03-28T12:00:00+00:00", []string{"2026-03-29T03:00:00+02:00"}},
		{"an overlap of midnight", "America/Havana", "0 0 * * *", "2026-10-31T12:00:00-04:00", []string{"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
		{"an odd zone", "Asia/Kathmandu", "0 9 * * mon-fri", "2026-11-20T12:00:00+05:45", []string{"2026-11-23T09:00:00+05:45"}},
		{"no zone is UTC", "", "@daily", "2026-11-22T08:00:00Z", []string{"2026-11-23T00:00:00Z"}},
		{"29 February", "UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"either of two days", "UTC", "0 0 13 * fri", "2026-11-10T00:00:00Z", []string{"2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}},
		{"a step of one is a star", "UTC", "0 0 13 */1 *", "2026-11-14T00:00:00Z", []string{"2026-12-13T00:00:00Z"}},
		{"names", "UTC", "5 4 1 JAN,jul ?", "2026-03-01T00:00:00Z", []string{"2026-07-01T04:05:00Z", "2027-01-01T04:05:00Z"}},
		{"monthly", "Asia/Tokyo", "@monthly", "2026-01-31T23:59:59+09:00", []string{"2026-02-01T00:00:00+09:00", "2026-03-01T00:00:00+09:00"}},
		{"within a minute", "UTC", "* * * * *", "2026-01-01T00:00:30Z", []string{"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(test.zone)
			if err != nil {
				t.Fatal(err)
			}
			got, err := schedule.Upcoming(cronIn(test.zone, test.cron), parse(t, test.after), len(test.want))
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, next := range got {
				texts = append(texts, next.In(zone).Format(time.RFC3339))
			}
			if fmt.Sprint(texts) != fmt.Sprint(test.want) {
				t.Errorf("got %q\nwant %q", texts, test.want)
			}
		})
	}
}

func parse(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
	s := ops.Schedule{Name: "x", Target: ops.Target{Flow: "f"}, Every: 7000000000, Created: created}
	for after, want := range map[time.Duration]time.Duration{
		0: 7, 6: 7, 7: 14, 8: 14, -100: 7, 7_000_000: 7_000_007,
	} {
		got, err := schedule.Upcoming(s, created.Add(after*time.Second), 1)
		if err != nil || len(got) != 1 || !got[0].Equal(created.Add(want*time.Second)) {
			t.Errorf("after %d s: got %v, %v; want %d s", after, got, err, want)
		}
	}
	s.Every, s.At = 0, created
	if got, err := schedule.Upcoming(s, created.Add(-1), 5); err != nil || len(got) != 1 || !got[0].Equal(created) {
		t.Errorf("once: got %v, %v; want once", got, err)
	}
	if got, err := schedule.Upcoming(s, created, 5); err != nil || len(got) != 0 {
		t.Errorf("once, after it: got %v, %v; want none", got, err)
	}
}

func TestCheckTells(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*ops.Schedule)
		where  string
		want   string // part of it
	}{
		{func(s *ops.Schedule) { s.Cron = "0 25 * * *" }, "cron", "field 2, the hour, is \"25\": end of range (25) above maximum (23); want 0-23\n  0 25 * * *\n    ^^"},
		{func(s *ops.Schedule) { s.Cron = "0  6 * *  foo" }, "cron", "0 6 * * foo\n          ^^^"},
		{func(s *ops.Schedule) { s.Cron = "60 6 * * *" }, "cron", "field 1, the minute"},
		{func(s *ops.Schedule) { s.Cron = "0 6 * *" }, "cron", "4 fields, want 5"},
		{func(s *ops.Schedule) { s.Cron = "0 0 6 * * *" }, "cron", "6 fields, want 5"},
		{func(s *ops.Schedule) { s.Cron = "TZ=UTC" }, "cron", "time zone is a field of its own"},
		{func(s *ops.Schedule) { s.Cron = "@every 1h" }, "cron", "an interval is no cron expression"},
		{func(s *ops.Schedule) { s.Cron = "0 0 30 2 *" }, "cron", "no such day"},
		{func(s *ops.Schedule) { s.Cron = "0 0 , * *" }, "cron", "field 3, the day of month, is \",\""},
		{func(s *ops.Schedule) { s.Cron = "*-5 0 * * *" }, "cron", "field 1"},
		{func(s *ops.Schedule) { s.Cron = "5-1 0 * * *" }, "cron", "beyond end of range"},
		{func(s *ops.Schedule) { s.Cron = "*/0 0 * * *" }, "cron", "step"},
		{func(s *ops.Schedule) { s.Cron = "0 0 * * 7" }, "cron", "0 is Sunday"},
		{func(s *ops.Schedule) { s.Zone = "Europe/Berln" }, "time_zone", "no such time zone"},
		{func(s *ops.Schedule) { s.Zone = "Local" }, "time_zone", "another zone in every process"},
		{func(s *ops.Schedule) { s.Zone = "../../etc/passwd" }, "time_zone", "no such time zone"},
		{func(s *ops.Schedule) { s.Cron, s.Every = "", 60_000_000_000; s.Zone = "UTC" }, "time_zone", "of cron only"},
		{func(s *ops.Schedule) { s.Every = 60_000_000_000 }, "", "cron and every"},
		{func(s *ops.Schedule) { s.Cron = "" }, "", "no times"},
		{func(s *ops.Schedule) { s.Cron, s.Every = "", 1_500_000_000 }, "every", "1.5s: want whole seconds"},
		{func(s *ops.Schedule) { s.Cron, s.Every = "", -1 }, "every", "want whole seconds"},
		{func(s *ops.Schedule) { s.Name = "a b" }, "name", `"a b"`},
		{func(s *ops.Schedule) { s.Name = "" }, "name", "want letters"},
		{func(s *ops.Schedule) { s.Target = ops.Target{} }, "target", "it is empty"},
		{func(s *ops.Schedule) { s.Target.Module = "m" }, "target", "flow and module"},
		{func(s *ops.Schedule) { s.Target.Export = "m" }, "target.export", "of a module only"},
		{func(s *ops.Schedule) { s.Overlap = "maybe" }, "overlap", "want skip, allow, replace or wait"},
		{func(s *ops.Schedule) { s.Missed = "maybe" }, "missed", "want skip, once or all"},
		{func(s *ops.Schedule) { s.Input = []byte("{") }, "input", "not JSON"},
	} {
		s := cronIn("", "0 6 * * *")
		test.change(&s)
		var invalid *ops.Invalid
		if err := schedule.Check(s); !errors.As(err, &invalid) || len(invalid.Faults) != 1 {
			t.Errorf("%+v: got %v, want one fault", s, err)
			continue
		}
		if f := invalid.Faults[0]; f.Where != test.where || !strings.Contains(f.Message, test.want) {
			t.Errorf("%+v: got %q at %q\nwant %q at %q", s, f.Message, f.Where, test.want, test.where)
		}
	}
	if err := schedule.Check(cronIn("Europe/Berlin", "*/15 9-17 * * mon-fri")); err != nil {
		t.Error(err)
	}
}

// TestCronFarYears asks for times after what zones' files list, at the ends of leap years
// too: each year has one.
func TestCronFarYears(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Pacific/Auckland", "America/Santiago", "Asia/Kolkata", "UTC"} {
		at, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]time.Time{
			"0 0 2 1 ?":     time.Date(2027, 1, 2, 0, 0, 0, 0, at),
			"59 23 31 12 *": time.Date(2026, 12, 31, 23, 59, 0, 0, at),
			"30 0 1 1 *":    time.Date(2027, 1, 1, 0, 30, 0, 0, at),
		} {
			got, err := schedule.Upcoming(cronIn(zone, text), time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC), 80)
			if err != nil {
				t.Fatal(err)
			}
			for i, g := range got {
				if want := want.AddDate(i, 0, 0); !g.Equal(want) {
					t.Errorf("%s, %q: time %d is %s, want %s", zone, text, i, g.In(at), want)
					break
				}
			}
		}
	}
}

func FuzzCron(f *testing.F) {
	for _, text := range []string{"0 6 * * *", "*/15 9-17 1,15 jan-mar mon", "@daily", "TZ=UTC 0 0 * * *", "? ? ? ? ?", "0/5 0 29 2 0", "*-5 , 1- 2/ 99999999999999999999", "0 0 2 1 ?", "0 * 31 12 *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		after := time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC)
		got, err := schedule.Upcoming(cronIn("Europe/Berlin", text), after, 20)
		if err != nil {
			return
		}
		if len(got) != 20 {
			t.Fatalf("%q has %d times", text, len(got))
		}
		for _, at := range got {
			if !at.After(after) || at.Second() != 0 {
				t.Fatalf("%q: %s after %s", text, at, after)
			}
			after = at
		}
	})
}
