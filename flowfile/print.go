package flowfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Print writes s as a flow file. Parsed in the working directory, it gives an
// equal graph. Edges and members are written out; operators are not.
func Print(s engine.Spec) ([]byte, error) {
	var b bytes.Buffer
	p := printer{b: &b}
	p.line("name", s.Name)
	if s.Description != "" {
		p.line("description", s.Description)
	}
	if s.Input != nil {
		p.line("input", s.Input)
	}
	b.WriteString("tasks:\n")
	for _, t := range s.Tasks {
		p.item("  "+string(quote(t.ID))+": ", taskForm(t))
	}
	if len(s.Groups) > 0 {
		b.WriteString("groups:\n")
	}
	for _, g := range s.Groups {
		p.item("  "+string(quote(g.ID))+": ", groupForm(g))
	}
	if len(s.Edges) > 0 {
		b.WriteString("edges:\n")
	}
	for _, e := range s.Edges {
		p.item("  - ", e)
	}
	if len(s.Start) > 0 {
		p.line("start", s.Start)
	}
	if len(s.End) > 0 {
		p.line("end", s.End)
	}
	if s.Limits != (engine.RunLimits{}) {
		p.line("limits", s.Limits)
	}
	return b.Bytes(), p.err
}

// printer writes values as JSON, which is YAML too.
type printer struct {
	b   *bytes.Buffer
	err error
}

func (p *printer) line(key string, v any) { p.item(key+": ", v) }

func (p *printer) item(prefix string, v any) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && p.err == nil {
		p.err = fmt.Errorf("print flow file: %s: %w", strings.TrimSpace(prefix), err)
		return
	}
	p.b.WriteString(prefix)
	p.b.Write(out.Bytes())
}

// taskForm is a task as the file has it: its id outside, and its spec under
// handler_kwargs unless it is a wasm or built-in task.
func taskForm(t engine.Task) any {
	type options engine.Task // without the methods
	short := struct {
		Wasm    string          `json:"wasm,omitempty"`
		Builtin string          `json:"builtin,omitempty"`
		Name    *string         `json:"handler,omitempty"`
		Kwargs  json.RawMessage `json:"handler_kwargs,omitempty"`
		options
		// These hide the fields of the same name.
		ID   *string `json:"id,omitempty"`
		Spec *string `json:"spec,omitempty"`
	}{options: options(t)}
	var spec map[string]string
	_ = json.Unmarshal(t.Spec, &spec) // what is none has the long form
	_, hasExport := spec["export"]
	switch {
	case t.Handler == "wasm" && len(spec) == 2 && hasExport && spec["module"] != "" && !strings.Contains(spec["module"]+spec["export"], "#"):
		short.Wasm = strings.TrimSuffix(spec["module"]+"#"+spec["export"], "#")
	case t.Handler == "builtin" && len(spec) == 1 && spec["name"] != "":
		short.Builtin = spec["name"]
	default:
		short.Name, short.Kwargs = &t.Handler, t.Spec
	}
	return short
}

func groupForm(g engine.Group) any {
	form := map[string]any{"members": g.Members}
	switch p := g.Policy; {
	case p.BestEffort:
		form["policy"] = "best_effort"
	case p.AtLeast != 0:
		form["policy"] = map[string]any{"at_least": p.AtLeast}
	case p.Critical != nil:
		form["policy"] = map[string]any{"critical": p.Critical}
	case p.Custom != "":
		form["policy"] = map[string]any{"custom": p.Custom}
	}
	if g.MaxConcurrency != nil {
		form["max_concurrency"] = *g.MaxConcurrency
	}
	if g.Supersteps != 0 {
		form["supersteps"] = g.Supersteps
	}
	return form
}
