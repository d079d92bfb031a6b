package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/layout"
)

// runHead is what all pages of a run show at their top.
type runHead struct {
	control.Story

	Tab     string
	Took    time.Duration
	Now     time.Time
	Why     []string // why it does not go on, or how it ended
	Answers []pauseForm
	Can     runDeeds
	Counts  []statusCount
	Failed  *engine.TaskError
	all     []*activation
}

// Head is itself, for templates: what embeds it is more.
func (h runHead) Head() runHead { return h }

// Names are those of the tasks that the run has come to, at most 500.
func (h runHead) Names() []string {
	var names []string
	seen := map[string]bool{}
	for _, a := range h.all {
		if !seen[a.Task] && !a.IsGroup && len(names) < 500 {
			seen[a.Task] = true
			names = append(names, a.Task)
		}
	}
	return names
}

// runDeeds are what can be done with a run as it stands.
type runDeeds struct{ Cancel, Pause, Resume, Retry, Delete bool }

// Any tells whether there is any.
func (d runDeeds) Any() bool { return d.Cancel || d.Pause || d.Resume || d.Retry }

type statusCount struct {
	Status engine.Status
	Count  int
}

// head reads a run.
func (c *Console) head(ctx context.Context, run, tab string) (runHead, error) {
	s, err := c.Service.Runs.Show(ctx, run)
	if err != nil {
		return runHead{}, err
	}
	now := c.now()
	h := runHead{Story: s, Tab: tab, Now: now, Failed: s.Error, all: activationsOf(s)}
	h.Took = orNow(s.Ended, now).Sub(s.Started)
	h.Can = deedsOf(s)
	h.Counts = countsOf(h.all)
	for _, p := range s.Pauses {
		h.Answers = append(h.Answers, newPauseForm(p))
	}
	var g *engine.Graph
	if s.Ended.IsZero() && waitsLong(h.all, now) {
		if g, err = c.Service.Runs.Graph(ctx, run); err != nil {
			g = nil // the rest can be told
		}
	}
	h.Why = whyOf(s, g, h.all, now)
	return h, nil
}

func deedsOf(s control.Story) runDeeds {
	ended := !s.Ended.IsZero() || s.Status == engine.StatusSucceeded || s.Status == engine.StatusFailed || s.Status == engine.StatusCanceled
	unreadable := s.Status == control.StatusUnreadable
	return runDeeds{
		Cancel: !ended && !unreadable,
		Pause:  !ended && !unreadable && !s.Held && s.Status != control.StatusInterrupted,
		Resume: !ended && !unreadable && (s.Held || s.Status == control.StatusInterrupted),
		Retry:  ended && !unreadable,
		Delete: true,
	}
}

func countsOf(all []*activation) []statusCount {
	counts := map[engine.Status]int{}
	for _, a := range all {
		if !a.IsGroup {
			counts[a.Status]++
		}
	}
	var list []statusCount
	for _, s := range []engine.Status{
		engine.StatusRunning, statusCalling, engine.StatusPaused, engine.StatusRetrying, statusWaiting, engine.StatusPending,
		engine.StatusFailed, engine.StatusSucceeded, engine.StatusCanceled, engine.StatusSkipped,
	} {
		if counts[s] > 0 {
			list = append(list, statusCount{s, counts[s]})
		}
	}
	return list
}

// page is a page of a run, which follows it until it has ended.
func (h runHead) page(data any, log uint64) page {
	p := page{Title: h.Run + " of " + h.Flow, Section: "/runs", Data: data}
	if !h.Can.Retry && h.Status != control.StatusUnreadable {
		p.Live = pathTo("runs", h.Run, "live") + "?after=" + strconv.FormatUint(lastOf(h.Story), 10)
		if h.Tab == "logs" {
			p.Live += "&log=" + strconv.FormatUint(log, 10)
		}
	}
	return p
}

// overview is the first page of a run.
type overview struct {
	runHead

	Graph  graphView
	Gantt  gantt
	Input  jsonView
	Output jsonView
}

func (c *Console) run(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "overview")
	if err != nil {
		return err
	}
	v := overview{runHead: h, Gantt: newGantt(h.Story, h.all, h.Now)}
	if len(h.all) <= maxInline {
		v.Graph = c.runDrawing(r.Context(), h, firstPatience)
	} else {
		v.Graph.Large = true
	}
	raw := pathTo("runs", h.Run, "data")
	v.Input = newJSON(h.Input, raw+"?of=input")
	if h.Can.Retry {
		v.Output = newJSON(h.Output, raw+"?of=output")
	}
	p := h.page(v, 0)
	if v.Graph.Pending && p.Live == "" {
		p.Poll = 1
	}
	return c.render(w, r, by, "run", p)
}

// runDrawing is the graph of a run; a fault of it is told in its place.
func (c *Console) runDrawing(ctx context.Context, h runHead, patience time.Duration) graphView {
	g, err := c.Service.Runs.Graph(ctx, h.Run)
	if err != nil {
		return graphView{Fault: err.Error()}
	}
	o := layout.SVG{States: map[string]layout.State{}, Notes: map[string]string{}}
	for task, s := range statesOf(g, h.all) {
		o.States[task] = drawnState(s)
	}
	for _, a := range h.all {
		if n := a.Tried(); n > 1 && a.ID == a.Task {
			o.Notes[a.Task] = "attempt " + countText(n)
		}
	}
	o.Href = func(task string) string {
		if o.States[task] == "" {
			return ""
		}
		return pathTo("runs", h.Run, "task") + "?id=" + url.QueryEscape(task)
	}
	return c.graphOf(ctx, g, o, patience)
}

// drawnState is a status as drawings show it.
func drawnState(s engine.Status) layout.State {
	switch s {
	case statusWaiting:
		return layout.Ready
	case statusCalling:
		return layout.Running
	}
	return layout.State(s)
}

// runGraph is the graph alone, at its full size.
func (c *Console) runGraph(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "graph")
	if err != nil {
		return err
	}
	v := overview{runHead: h, Graph: c.runDrawing(r.Context(), h, layoutTime)}
	return c.render(w, r, by, "run_graph", h.page(v, 0))
}

// runData is a value of a run as it is.
func (c *Console) runData(w http.ResponseWriter, r *http.Request, _ who) error {
	s, err := c.Service.Runs.Show(r.Context(), r.PathValue("run"))
	if err != nil {
		return err
	}
	var value json.RawMessage
	switch of := r.URL.Query().Get("of"); of {
	case "input":
		value = s.Input
	case "output":
		value = s.Output
	default:
		for _, t := range s.Tasks {
			if t.Activation == r.URL.Query().Get("task") {
				value = t.Output
			}
		}
	}
	if value == nil {
		return errors.Join(errors.New("the run has no such value"), engine.ErrNotFound)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", "attachment; filename=value.json")
	_, err = w.Write(value)
	return quiet(err)
}

// quiet drops an error of writing to who has left.
func quiet(error) error { return nil }
