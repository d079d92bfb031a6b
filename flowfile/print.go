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
// handler_kwargs unless it is a wasm or built-in task, or a sub-flow.
func taskForm(t engine.Task) any {
	type options engine.Task // without the methods
	short := struct {
		Wasm    string          `json:"wasm,omitempty"`
		Builtin string          `json:"builtin,omitempty"`
		Flow    *flowForm       `json:"flow,omitempty"`
		Name    *string         `json:"handler,omitempty"`
		Kwargs  json.RawMessage `json:"handler_kwargs,omitempty"`
		options
		Isolation string `json:"isolation,omitempty"`
		// These hide the fields of the same name.
		ID   *string `json:"id,omitempty"`
		Spec *string `json:"spec,omitempty"`
	}{options: options(t)}
	var spec map[string]string
	_ = json.Unmarshal(t.Spec, &spec) // what is none has the long form
	_, hasExport := spec["export"]
	if hasIsolation(&t) {
		short.Isolation, short.Limits = isolationOf(t.Limits), withoutIsolation(t.Limits)
	}
	switch {
	case t.Handler == "wasm" && len(spec) == 2 && hasExport && spec["module"] != "" && !strings.Contains(spec["module"]+spec["export"], "#"):
		short.Wasm = strings.TrimSuffix(spec["module"]+"#"+spec["export"], "#")
	case t.Handler == "builtin" && len(spec) == 1 && spec["name"] != "":
		short.Builtin = spec["name"]
	case t.Handler == "flow":
		short.Flow = subFlowForm(t.Spec)
	}
	if short.Wasm == "" && short.Builtin == "" && short.Flow == nil {
		short.Name, short.Kwargs = &t.Handler, t.Spec
	}
	return short
}

// flowForm is a sub-flow in place.
type flowForm struct {
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Input       json.RawMessage  `json:"input,omitempty"`
	Tasks       mapping          `json:"tasks"`
	Groups      mapping          `json:"groups,omitempty"`
	Edges       []engine.Edge    `json:"edges,omitempty"`
	Start       []string         `json:"start,omitempty"`
	End         []string         `json:"end,omitempty"`
	Limits      engine.RunLimits `json:"limits,omitzero"`
}

// mapping is an object whose keys keep their order: tasks are declared by it.
type mapping []pair

type pair struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (m mapping) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range m {
		if i > 0 {
			b = append(b, ',')
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, quote(p.key)...), ':'), value...)
	}
	return append(b, '}'), nil
}

// subFlowForm is the sub-flow that a task's spec holds; nil if the spec is none.
func subFlowForm(raw json.RawMessage) *flowForm {
	var s engine.Spec
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&s) != nil || s.Name == "" || len(s.Tasks) == 0 {
		return nil
	}
	form := &flowForm{
		Name: s.Name, Description: s.Description, Input: s.Input, Edges: s.Edges,
		Start: s.Start, End: s.End, Limits: s.Limits,
	}
	for _, t := range s.Tasks {
		form.Tasks = append(form.Tasks, pair{t.ID, taskForm(t)})
	}
	for _, g := range s.Groups {
		form.Groups = append(form.Groups, pair{g.ID, groupForm(g)})
	}
	return form
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
	if g.Timeout != 0 {
		form["timeout"] = g.Timeout
	}
	return form
}
