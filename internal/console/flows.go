package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func (c *Console) flows(w http.ResponseWriter, r *http.Request, by who) error {
	flows, err := c.Service.Flows.List(r.Context())
	if err != nil {
		return err
	}
	return c.render(w, r, by, "flows", page{Title: "Flows", Section: "/flows", Data: flows})
}

// flowView is a flow that is stored.
type flowView struct {
	ops.Flow

	Ref    string
	Graph  graphView
	Fault  string // why it can't run here now
	Input  jsonView
	Tasks  []engine.Task
	Source sourceView
}

func (c *Console) flow(w http.ResponseWriter, r *http.Request, by who) error {
	f, err := c.Service.Flows.Show(r.Context(), r.PathValue("flow"))
	if err != nil {
		return err
	}
	v := flowView{Flow: f, Ref: r.PathValue("flow"), Source: sourceView{Text: f.Source}}
	v.Source.mark(nil)
	p := page{Title: f.Name, Section: "/flows"}
	switch g, err := c.Service.Flows.Validate(r.Context(), f.Source); {
	case err != nil:
		v.Fault = err.Error()
		if invalid, ok := errors.AsType[*ops.Invalid](err); ok {
			v.Source.mark(invalid.Faults)
		}
	default:
		v.Graph, v.Tasks, v.Input = c.graphOf(r.Context(), g, layout.SVG{}, firstPatience), g.Spec().Tasks, newJSON(g.Spec().Input, "")
		if v.Graph.Pending {
			p.Poll = 1
		}
	}
	p.Data = v
	return c.render(w, r, by, "flow", p)
}

// specOf is a task as the graph has it.
func specOf(t *engine.Task) jsonView {
	raw, err := json.Marshal(t)
	if err != nil {
		return jsonView{None: true}
	}
	v := newJSON(raw, "")
	v.Fold = true
	return v
}

// newFlowView is the form for a flow, with what was wrong with it.
type newFlowView struct {
	Source  sourceView
	Problem problem
	Valid   bool // it was validated only
	Graph   graphView
}

func (c *Console) newFlow(w http.ResponseWriter, r *http.Request, by who) error {
	v := newFlowView{Source: sourceView{Text: emptySource}}
	if from := r.URL.Query().Get("from"); from != "" {
		f, err := c.Service.Flows.Show(r.Context(), from)
		if err != nil {
			return err
		}
		v.Source.Text = f.Source
	}
	return c.render(w, r, by, "flow_new", page{Title: "Store a flow", Section: "/flows", Data: v})
}

func (c *Console) putFlow(w http.ResponseWriter, r *http.Request, by who) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := newFlowView{Source: sourceView{Text: strings.ReplaceAll(r.PostForm.Get("source"), "\r\n", "\n")}}
	status, err := http.StatusOK, error(nil)
	if r.PostForm.Get("deed") == "validate" {
		var g *engine.Graph
		if g, err = c.Service.Flows.Validate(r.Context(), v.Source.Text); err == nil {
			v.Valid, v.Graph = true, c.graphOf(r.Context(), g, layout.SVG{}, 3*time.Second)
		}
	} else {
		var f ops.Flow
		if f, err = c.Service.Flows.Put(r.Context(), v.Source.Text, by.Name); err == nil {
			return to(w, r, "stored", "flows", f.Name)
		}
	}
	if err != nil {
		if v.Problem = problemOf(err); v.Problem.Status >= http.StatusInternalServerError {
			return err
		}
		status = v.Problem.Status
		v.Source.mark(v.Problem.Faults)
	}
	c.show(w, r, by, status, "flow_new", page{Title: "Store a flow", Section: "/flows", Data: v})
	return nil
}

func (c *Console) confirmRemoveFlow(w http.ResponseWriter, r *http.Request, by who) error {
	ref := r.PathValue("flow")
	f, err := c.Service.Flows.Show(r.Context(), ref)
	if err != nil {
		return err
	}
	what := "all its versions are removed"
	if strings.Contains(ref, "@") {
		what = "the version " + f.Version + " is removed"
	}
	return c.render(w, r, by, "confirm", page{Title: "Remove flow " + f.Name, Section: "/flows", Data: confirm{
		Title: "Remove flow " + ref, Deed: "Remove the flow", Back: pathTo("flows", ref), Action: pathTo("flows", ref, "remove"),
		Text: "Of the flow " + what + ". Runs that have begun go on: each keeps its graph. Schedules of it can begin none.",
	}})
}

func (c *Console) removeFlow(w http.ResponseWriter, r *http.Request, _ who) error {
	if err := c.Service.Flows.Remove(r.Context(), r.PathValue("flow")); err != nil {
		return err
	}
	return to(w, r, "removed", "flows")
}
