package schedule

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// names are those of schedules: runs are called after them.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Check says what is wrong with a schedule by itself, as an ops.Invalid. Whether there
// is what it names, and whether its input fits, is not looked at.
func Check(s ops.Schedule) error {
	c := &checking{}
	if !names.MatchString(s.Name) {
		c.wrong("name", "%q: want letters, digits, \".\", \"_\" and \"-\", at most 64, the first a letter or digit", s.Name)
	}
	c.target(s.Target)
	c.when(s)
	if s.Input != nil && !json.Valid(s.Input) {
		c.wrong("input", "it is not JSON")
	}
	if all := []ops.Overlap{"", ops.OverlapSkip, ops.OverlapAllow, ops.OverlapReplace, ops.OverlapWait}; !slices.Contains(all, s.Overlap) {
		c.wrong("overlap", "%q: want skip, allow, replace or wait", s.Overlap)
	}
	if all := []ops.Missed{"", ops.MissedSkip, ops.MissedOnce, ops.MissedAll}; !slices.Contains(all, s.Missed) {
		c.wrong("missed", "%q: want skip, once or all", s.Missed)
	}
	return c.err()
}

// checking gathers what is wrong.
type checking struct{ faults []ops.Fault }

func (c *checking) wrong(where, format string, args ...any) {
	c.faults = append(c.faults, ops.Fault{Where: where, Message: fmt.Sprintf(format, args...)})
}

func (c *checking) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return &ops.Invalid{What: "the schedule", Faults: c.faults}
}

func (c *checking) target(t ops.Target) {
	given := given(map[string]bool{"flow": t.Flow != "", "source": t.Source != "", "graph": t.Graph != nil, "module": t.Module != ""})
	switch {
	case len(given) == 0:
		c.wrong("target", "it is empty: want one of flow, source, graph and module")
	case len(given) > 1:
		c.wrong("target", "it has %s: want one of them", strings.Join(given, " and "))
	case t.Export != "" && t.Module == "":
		c.wrong("target.export", "it is of a module only")
	case t.Graph != nil && !json.Valid(t.Graph):
		c.wrong("target.graph", "it is not JSON")
	}
}

// given are the names of what is, sorted.
func given(all map[string]bool) []string {
	var names []string
	for name, is := range all {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *checking) when(s ops.Schedule) {
	given := given(map[string]bool{"cron": s.Cron != "", "every": s.Every != 0, "at": !s.At.IsZero()})
	switch len(given) {
	case 0:
		c.wrong("", "it has no times: want one of cron, every and at")
	case 1:
	default:
		c.wrong("", "it has %s: want one of them", strings.Join(given, " and "))
	}
	if s.Zone != "" && s.Cron == "" {
		c.wrong("time_zone", "it is of cron only")
	}
	zone, err := zoneOf(s.Zone)
	if err != nil {
		c.wrong("time_zone", "%v", err)
		zone = time.UTC
	}
	if s.Cron != "" {
		if _, err := parseCron(s.Cron, zone); err != nil {
			c.wrong("cron", "%v", err)
		}
	}
	if every := time.Duration(s.Every); every != 0 && (every < time.Second || every%time.Second != 0 || every > longestEvery) {
		c.wrong("every", "%s: want whole seconds, at least one, at most %s", every, longestEvery)
	}
	if at := s.At; !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
		c.wrong("at", "%s: want a time of this age", at)
	}
}

// longestEvery is the longest interval: 10 years.
const longestEvery = 87600 * time.Hour
