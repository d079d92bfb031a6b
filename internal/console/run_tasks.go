package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// maxTasks is how many activations a page lists.
const maxTasks = 500

// tasksView is the table of a run's activations.
type tasksView struct {
	runHead

	Rows   []*activation
	Shown  engine.Status // only these; "" is all
	Find   string
	Filter []statusCount
	From   int // of all that fit, the first shown, from 1
	To     int
	Of     int
	Older  string
	Newest string
}

func (c *Console) runTasks(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "tasks")
	if err != nil {
		return err
	}
	form := r.URL.Query()
	v := tasksView{runHead: h, Shown: engine.Status(form.Get("status")), Find: strings.TrimSpace(form.Get("find")), Filter: h.Counts}
	fits := slices.DeleteFunc(slices.Clone(h.all), func(a *activation) bool {
		return v.Shown != "" && (a.Status != v.Shown || a.IsGroup) || v.Find != "" && !strings.Contains(a.ID, v.Find)
	})
	first := 0
	if _, err := fmt.Sscan(form.Get("before"), &first); err != nil || first < 0 || first > len(fits) {
		first = 0
	}
	v.Rows = fits[first:min(first+maxTasks, len(fits))]
	v.From, v.To, v.Of = min(first+1, len(fits)), first+len(v.Rows), len(fits)
	next := ""
	if v.To < v.Of {
		next = fmt.Sprint(v.To)
	}
	v.Newest, v.Older = pages(form, next)
	return c.render(w, r, by, "run_tasks", h.page(v, 0))
}

// taskView is one activation, with all its attempts.
type taskView struct {
	runHead

	Is        *activation
	Fault     *engine.TaskError // its error, if it is more than that of its last attempt
	Output    jsonView
	Spec      jsonView // the task as the graph has it
	Files     []engine.TaskFile
	Retriable bool // the run can be retried from it
}

func (c *Console) runTask(w http.ResponseWriter, r *http.Request, by who) error {
	h, err := c.head(r.Context(), r.PathValue("run"), "tasks")
	if err != nil {
		return err
	}
	id := r.URL.Query().Get("id")
	i := slices.IndexFunc(h.all, func(a *activation) bool { return a.ID == id })
	if i < 0 { // a node of the graph: the first activation of the task
		i = slices.IndexFunc(h.all, func(a *activation) bool { return a.Task == id })
	}
	if i < 0 {
		return problem{
			Status: http.StatusNotFound, Title: "The run has not come to this task", Text: "Nothing has become of " + shortText(200, id) + " in this run so far.",
			Link: pathTo("runs", h.Run, "tasks"), LinkText: "To the tasks of the run",
		}
	}
	v := taskView{runHead: h, Is: h.all[i]}
	query, err := query("task", v.Is.ID)
	if err != nil {
		return err
	}
	v.Output = newJSON(v.Is.Output, pathTo("runs", h.Run, "data")+query)
	if e := v.Is.Error; e != nil && (len(v.Is.Attempts) == 0 || e.Fallback != nil || e.Rollback != nil || v.Is.Last().Error == nil) {
		v.Fault = e
	}
	for _, f := range h.Files {
		if f.Activation == v.Is.ID {
			v.Files = append(v.Files, f)
		}
	}
	if g, err := c.Service.Runs.Graph(r.Context(), h.Run); err == nil {
		if t := g.Task(v.Is.Task); t != nil && !inSubFlow(g, v.Is.ID) {
			v.Spec, v.Retriable = specOf(t), h.Can.Retry
		}
	}
	return c.render(w, r, by, "run_task", h.page(v, 0))
}
