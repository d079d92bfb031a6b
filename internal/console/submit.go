package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// submitView is the form that begins a run, with what was wrong with it.
type submitView struct {
	How     string // flow or source
	Flows   []choice
	Flow    string
	About   string
	Schema  jsonView // of the input of Flow
	Source  sourceView
	Input   string
	ID, Key string
	Timeout string
	Problem problem
}

// sourceView is the text of a flow file, and what is wrong with it.
type sourceView struct {
	Text   string
	Lines  []sourceLine // with their faults, if there are any
	Others []ops.Fault  // that are of no line
}

type sourceLine struct {
	N      int
	Text   string
	Faults []string
}

const emptySource = `name: hello
tasks:
  roll: {builtin: randint, with: {min: 1, max: 6}}
flow: roll
`

func (c *Console) submitPage(w http.ResponseWriter, r *http.Request, by who) error {
	form := r.URL.Query()
	v := submitView{How: "flow", Flow: form.Get("flow")}
	names := c.flowNames(r)
	if len(names) == 0 || form.Get("how") == "source" {
		v.How = "source"
	}
	if v.Flow == "" && len(names) > 0 {
		v.Flow = names[0]
	}
	v.Source.Text = emptySource
	c.aboutFlow(r, &v, names)
	if v.Input == "" {
		v.Input = "null"
	}
	return c.render(w, r, by, "submit", page{Title: "Submit a run", Section: "/submit", Data: v})
}

// aboutFlow adds what is known of the flows that are stored.
func (c *Console) aboutFlow(r *http.Request, v *submitView, names []string) {
	if v.Flow != "" {
		v.Flows = choices(v.Flow)[:0]
		known := false
		for _, n := range names {
			v.Flows = append(v.Flows, choice{n, n, n == v.Flow})
			known = known || n == v.Flow
		}
		if !known {
			v.Flows = append(v.Flows, choice{v.Flow, v.Flow, true})
		}
	} else {
		for _, n := range names {
			v.Flows = append(v.Flows, choice{Value: n, Text: n})
		}
	}
	if v.Flow == "" || c.Service.Flows == nil {
		return
	}
	f, err := c.Service.Flows.Show(r.Context(), v.Flow)
	if err != nil {
		return
	}
	v.About = f.About
	g, err := c.Service.Flows.Validate(r.Context(), f.Source)
	if err != nil || g.Spec().Input == nil {
		return
	}
	v.Schema = newJSON(g.Spec().Input, "")
	if v.Input == "" {
		v.Input = skeletonOf(g.Spec().Input)
	}
}

// skeletonOf is an input to begin with: the keys that a schema requires, and those that
// have defaults.
func skeletonOf(raw json.RawMessage) string {
	var s struct {
		Properties map[string]struct {
			Type    any               `json:"type"`
			Default json.RawMessage   `json:"default"`
			Enum    []json.RawMessage `json:"enum"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if json.Unmarshal(raw, &s) != nil || len(s.Properties) == 0 {
		return "null"
	}
	blanks := map[string]string{"string": `""`, "integer": "0", "number": "0", "boolean": "false", "array": "[]", "object": "{}"}
	object, required := map[string]json.RawMessage{}, map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	for name, p := range s.Properties {
		kind, _ := p.Type.(string)
		switch blank := blanks[kind]; {
		case p.Default != nil:
			object[name] = p.Default
		case !required[name]:
		case len(p.Enum) > 0:
			object[name] = p.Enum[0]
		case blank != "":
			object[name] = json.RawMessage(blank)
		default:
			object[name] = json.RawMessage("null")
		}
	}
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return "null"
	}
	return string(text)
}

func (c *Console) submit(w http.ResponseWriter, r *http.Request, by who) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	form := r.PostForm
	v := submitView{
		How: form.Get("how"), Flow: form.Get("flow"), Input: strings.TrimSpace(form.Get("input")),
		ID: strings.TrimSpace(form.Get("id")), Key: strings.TrimSpace(form.Get("key")), Timeout: strings.TrimSpace(form.Get("timeout")),
	}
	v.Source.Text = strings.ReplaceAll(form.Get("source"), "\r\n", "\n")
	submission, err := v.submission()
	if err == nil {
		var s ops.Submitted
		if s, err = c.Service.Runs.Submit(r.Context(), submission); err == nil {
			done := "submitted"
			if s.Existed {
				done = "existed"
			}
			return to(w, r, done, "runs", s.Run)
		}
	}
	if v.Problem = problemOf(err); v.Problem.Status >= http.StatusInternalServerError {
		return err
	}
	if _, ok := errors.AsType[*ops.Invalid](err); ok && v.How == "source" {
		v.Source.mark(v.Problem.Faults)
	}
	c.aboutFlow(r, &v, c.flowNames(r))
	c.show(w, r, by, v.Problem.Status, "submit", page{Title: "Submit a run", Section: "/submit", Data: v})
	return nil
}

// submission is what the form says.
func (v submitView) submission() (ops.Submission, error) {
	s := ops.Submission{ID: v.ID, Key: v.Key}
	switch {
	case v.How == "source" && strings.TrimSpace(v.Source.Text) == "":
		return s, missing("The flow file is empty. Paste one, or choose a flow that is stored.")
	case v.How == "source":
		s.Source = v.Source.Text
	case v.Flow == "":
		return s, missing("No flow is chosen.")
	default:
		s.Flow = v.Flow
	}
	if v.Input != "" {
		if err := validJSON(v.Input); err != nil {
			return s, missing("The input is not JSON: %s. Text needs quotes.", err)
		}
		s.Input = json.RawMessage(v.Input)
	}
	if v.Timeout != "" {
		d, err := time.ParseDuration(v.Timeout)
		if err != nil || d <= 0 {
			return s, missing("The timeout %q is none: want a number with a unit, as 30s, 10m or 1h.", v.Timeout)
		}
		s.Timeout = engine.Duration(d)
	}
	return s, nil
}

func validJSON(text string) error {
	var v json.RawMessage
	return json.Unmarshal([]byte(text), &v)
}
