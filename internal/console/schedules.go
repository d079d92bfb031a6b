package console

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func (c *Console) schedules(w http.ResponseWriter, r *http.Request, by who) error {
	all, err := c.Service.Schedules.List(r.Context())
	if err != nil {
		return err
	}
	return c.render(w, r, by, "schedules", page{Title: "Schedules", Section: "/schedules", Data: all, Poll: 5})
}

// scheduleView is a schedule.
type scheduleView struct {
	ops.Schedule

	Source sourceView
	Graph  jsonView
	Input  jsonView
}

func (c *Console) schedule(w http.ResponseWriter, r *http.Request, by who) error {
	s, err := c.Service.Schedules.Show(r.Context(), r.PathValue("schedule"))
	if err != nil {
		return err
	}
	v := scheduleView{Schedule: s, Input: newJSON(s.Input, ""), Graph: newJSON(s.Target.Graph, ""), Source: sourceView{Text: s.Target.Source}}
	return c.render(w, r, by, "schedule", page{Title: s.Name, Section: "/schedules", Data: v, Poll: 5})
}

// scheduleForm is the form for a schedule, with what was wrong with it.
type scheduleForm struct {
	Name, Flow, Input           string
	Kind, Cron, Zone, Every, At string
	Overlap, Missed             string
	Flows                       []string
	Overlaps, Misseds           []choice
	Problem                     problem
}

func (c *Console) newSchedule(w http.ResponseWriter, r *http.Request, by who) error {
	return c.scheduleForm(w, r, by, http.StatusOK, scheduleForm{Kind: "cron", Flow: r.URL.Query().Get("flow"), Input: "null"})
}

func (c *Console) scheduleForm(w http.ResponseWriter, r *http.Request, by who, status int, f scheduleForm) error {
	f.Flows = c.flowNames(r)
	f.Overlaps = choices(cmp.Or(f.Overlap, string(ops.OverlapSkip)), string(ops.OverlapSkip), "skip this time", string(ops.OverlapAllow), "begin another besides",
		string(ops.OverlapReplace), "cancel the run before", string(ops.OverlapWait), "wait until it has ended")
	f.Misseds = choices(cmp.Or(f.Missed, string(ops.MissedOnce)), string(ops.MissedOnce), "begin one run for all of them", string(ops.MissedSkip), "skip them", string(ops.MissedAll), "begin one for each")
	c.show(w, r, by, status, "schedule_new", page{Title: "Add a schedule", Section: "/schedules", Data: f})
	return nil
}

func (c *Console) putSchedule(w http.ResponseWriter, r *http.Request, by who) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	f := scheduleForm{
		Name: get("name"), Flow: get("flow"), Input: get("input"), Kind: get("kind"), Cron: get("cron"), Zone: get("zone"),
		Every: get("every"), At: get("at"), Overlap: get("overlap"), Missed: get("missed"),
	}
	s, err := f.schedule()
	if err == nil {
		if s, err = c.Service.Schedules.Put(r.Context(), s); err == nil {
			return to(w, r, "scheduled", "schedules", s.Name)
		}
	}
	if f.Problem = problemOf(err); f.Problem.Status >= http.StatusInternalServerError {
		return err
	}
	return c.scheduleForm(w, r, by, f.Problem.Status, f)
}

// schedule is what the form says.
func (f scheduleForm) schedule() (ops.Schedule, error) {
	s := ops.Schedule{Name: f.Name, Target: ops.Target{Flow: f.Flow}, Overlap: ops.Overlap(f.Overlap), Missed: ops.Missed(f.Missed)}
	if f.Name == "" || f.Flow == "" {
		return s, missing("A schedule needs a name, and a flow that is stored.")
	}
	if f.Input != "" {
		if err := validJSON(f.Input); err != nil {
			return s, missing("The input is not JSON: %s. Text needs quotes.", err)
		}
		s.Input = json.RawMessage(f.Input)
	}
	switch f.Kind {
	case "every":
		d, err := time.ParseDuration(f.Every)
		if err != nil || d <= 0 {
			return s, missing("Every %q: want a number with a unit, as 30s, 10m or 1h.", shortText(40, f.Every))
		}
		s.Every = engine.Duration(d)
	case "at":
		t, err := timeOf(f.At)
		if err != nil {
			return s, err
		}
		s.At = t
	default:
		if f.Cron == "" {
			return s, missing("The times are missing: five fields, as 30 6 * * 1-5, or @daily.")
		}
		s.Cron, s.Zone = f.Cron, f.Zone
	}
	return s, nil
}

// timeOf is a time as a browser's field tells it, which is taken as UTC, or in RFC 3339.
func timeOf(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, missing("At %q: want a time, as 2026-01-31T08:00Z.", shortText(40, text))
}

func (c *Console) pauseSchedule(w http.ResponseWriter, r *http.Request, _ who) error {
	if _, err := c.Service.Schedules.Pause(r.Context(), r.PathValue("schedule"), true); err != nil {
		return err
	}
	return to(w, r, "schedule-paused", "schedules", r.PathValue("schedule"))
}

func (c *Console) resumeSchedule(w http.ResponseWriter, r *http.Request, _ who) error {
	if _, err := c.Service.Schedules.Pause(r.Context(), r.PathValue("schedule"), false); err != nil {
		return err
	}
	return to(w, r, "schedule-resumed", "schedules", r.PathValue("schedule"))
}

func (c *Console) triggerSchedule(w http.ResponseWriter, r *http.Request, _ who) error {
	run, err := c.Service.Schedules.Trigger(r.Context(), r.PathValue("schedule"))
	if err != nil {
		return err
	}
	return to(w, r, "triggered", "runs", run)
}

func (c *Console) confirmRemoveSchedule(w http.ResponseWriter, r *http.Request, by who) error {
	name := r.PathValue("schedule")
	if _, err := c.Service.Schedules.Show(r.Context(), name); err != nil {
		return err
	}
	return c.render(w, r, by, "confirm", page{Title: "Remove schedule " + name, Section: "/schedules", Data: confirm{
		Title: "Remove schedule " + name, Deed: "Remove the schedule", Back: pathTo("schedules", name), Action: pathTo("schedules", name, "remove"),
		Text: "It begins no more runs. Those that it has begun stay.",
	}})
}

func (c *Console) removeSchedule(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Schedules.Remove(r.Context(), r.PathValue("schedule")); err != nil {
		return err
	}
	return to(w, r, "removed", "schedules")
}
