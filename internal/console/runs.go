package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// runsView is what the list of runs shows.
type runsView struct {
	Statuses []choice
	Flow     string
	Flows    []string // that are stored
	Since    string
	Sinces   []choice
	Limit    int
	Limits   []choice
	Filtered bool
	Before   string
	Rows     []runRow
	Older    string // address of the next page; "" is the end
	Newest   string // of the first
}

// choice is one of several in a form.
type choice struct {
	Value, Text string
	On          bool
}

type runRow struct {
	control.Summary

	Took time.Duration
	Note string // what it waits for, or why it ended
}

var runStatuses = []engine.Status{
	engine.StatusRunning, engine.StatusPaused, engine.StatusFailed, engine.StatusSucceeded, engine.StatusCanceled, control.StatusInterrupted,
}

func (c *Console) runs(w http.ResponseWriter, r *http.Request, by who) error {
	form := r.URL.Query()
	v := runsView{Flow: strings.TrimSpace(form.Get("flow")), Since: form.Get("since"), Before: form.Get("before")}
	q := ops.RunsQuery{Before: v.Before}
	chosen := strings.Split(strings.Join(form["status"], ","), ",")
	for _, s := range runStatuses {
		on := slices.Contains(chosen, string(s))
		if on {
			q.Statuses = append(q.Statuses, s)
		}
		v.Statuses = append(v.Statuses, choice{string(s), statusText(s), on})
	}
	if v.Flow != "" {
		q.Flows = []string{v.Flow}
	}
	var err error
	if q.Since, err = sinceOf(v.Since, c.now()); err != nil {
		return err
	}
	v.Sinces = choices(v.Since, "", "any time", "1h", "the last hour", "24h", "the last day", "168h", "the last week")
	if v.Limit, err = strconv.Atoi(form.Get("limit")); err != nil || v.Limit < 1 || v.Limit > 1000 {
		v.Limit = 100
	}
	q.Limit = v.Limit
	v.Limits = choices(strconv.Itoa(v.Limit), "50", "50 runs", "100", "100 runs", "500", "500 runs")
	v.Filtered = len(q.Statuses) > 0 || v.Flow != "" || v.Since != ""
	found, err := c.Service.Runs.List(r.Context(), q)
	if err != nil {
		return err
	}
	now := c.now()
	for _, s := range found.Runs {
		v.Rows = append(v.Rows, rowOf(s, now))
	}
	v.Newest, v.Older = pages(form, found.Next)
	v.Flows = c.flowNames(r)
	poll := 2
	if v.Before != "" || len(v.Rows) > 200 {
		poll = 5
	}
	return c.render(w, r, by, "runs", page{Title: "Runs", Section: "/runs", Data: v, Poll: poll})
}

// choices are those of a select, as values and texts.
func choices(chosen string, pairs ...string) []choice {
	var all []choice
	for i := 0; i+1 < len(pairs); i += 2 {
		all = append(all, choice{pairs[i], pairs[i+1], pairs[i] == chosen})
	}
	if !slices.ContainsFunc(all, func(c choice) bool { return c.On }) {
		all = append(all, choice{chosen, chosen, true})
	}
	return all
}

// sinceOf is a time, or how long ago.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, missing("since %q: want how long ago, as 24h, or a time, as 2026-01-31T08:00:00Z.", text)
	}
	return t, nil
}

// pages are the addresses of the first and the next page of a list.
func pages(form url.Values, next string) (newest, older string) {
	form = cloneForm(form)
	form.Del("done")
	form.Del("before")
	newest = "?" + form.Encode()
	if next != "" {
		form.Set("before", next)
		older = "?" + form.Encode()
	}
	return newest, older
}

func cloneForm(form url.Values) url.Values {
	clone := url.Values{}
	for k, v := range form {
		clone[k] = slices.Clone(v)
	}
	return clone
}

func rowOf(s control.Summary, now time.Time) runRow {
	row := runRow{Summary: s}
	if !s.Started.IsZero() {
		row.Took = orNow(s.Ended, now).Sub(s.Started)
		if s.Ended.IsZero() {
			row.Took = row.Took.Truncate(time.Second)
		}
	}
	switch {
	case s.Fault != "":
		row.Note = s.Fault
	case len(s.Waits) > 0:
		row.Note = "waits for " + strings.Join(s.Waits, ", ")
	case s.Held:
		row.Note = "paused by hand"
	case s.Message != "":
		row.Note = s.Message
	case s.Reason != "" && s.Reason != string(s.Status):
		row.Note = strings.ReplaceAll(s.Reason, "_", " ")
	}
	return row
}

// flowNames are those of the flows that are stored; without an answer none.
func (c *Console) flowNames(r *http.Request) []string {
	if c.Service.Flows == nil {
		return nil
	}
	flows, err := c.Service.Flows.List(r.Context())
	if err != nil {
		return nil
	}
	var names []string
	for _, f := range flows {
		names = append(names, f.Name)
	}
	return names
}
