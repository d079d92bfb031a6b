package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// IDOfKey is the id of the run that an idempotency key stands for. Each namespace has
// its own runs.
func IDOfKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "key-" + hex.EncodeToString(sum[:16])
}

// Submit implements ops.Runs.
func (r *runs) Submit(ctx context.Context, s ops.Submission) (ops.Submitted, error) {
	id := s.ID
	switch {
	case s.Key != "" && s.ID != "":
		return ops.Submitted{}, invalid("the submission", "idempotency_key", "it and id both name the run: give one of them")
	case s.Key != "":
		id = IDOfKey(s.Key)
	case id == "":
		id = ulid.Make().String()
	}
	if err := checkRunID(id); err != nil {
		return ops.Submitted{}, err
	}
	t, err := (*Cluster)(r).target(ctx, s)
	if err != nil {
		return ops.Submitted{}, err
	}
	if err := t.checkInput(s.Input); err != nil {
		return ops.Submitted{}, err
	}
	_, err = r.engine.Submit(ctx, t.graph, engine.Start{ID: id, Input: s.Input})
	switch {
	case errors.Is(err, engine.ErrRunExists) && (s.ID != "" || s.Key != ""):
		return (*Cluster)(r).existing(ctx, id, t.graph, s.Input, err)
	case err != nil:
		return ops.Submitted{}, t.fault(fault(err))
	}
	return ops.Submitted{Run: id, Flow: t.graph.Name(), Status: engine.StatusRunning}, nil
}

// existing is a run that has the id, if it is the one that was to begin.
func (c *Cluster) existing(ctx context.Context, run string, g *engine.Graph, input json.RawMessage, exists error) (ops.Submitted, error) {
	h, err := c.desk.History(ctx, run)
	switch {
	case err != nil:
		return ops.Submitted{}, fault(err)
	case h.Graph.Digest() != g.Digest():
		return ops.Submitted{}, fmt.Errorf("%w, of another graph: give another id or key", exists)
	case !SameJSON(h.Input, input):
		return ops.Submitted{}, fmt.Errorf("%w, with another input: give another id or key", exists)
	}
	return ops.Submitted{Run: run, Flow: h.Flow, Status: h.Outcome.Status, Existed: true}, nil
}

// SameJSON compares two JSON values as they are written, but for white space. No
// value is null.
func SameJSON(a, b json.RawMessage) bool {
	text := func(raw json.RawMessage) string {
		var compact bytes.Buffer
		if raw == nil || json.Compact(&compact, raw) != nil {
			return "null"
		}
		return compact.String()
	}
	return text(a) == text(b)
}

// target is what is to run.
type target struct {
	graph *engine.Graph
	file  *flowfile.File // nil: none
}

// target finds, builds, checks and pins what is to run.
func (c *Cluster) target(ctx context.Context, s ops.Submission) (target, error) {
	t, err := c.resolve(ctx, s)
	if err != nil {
		return t, err
	}
	if s.Timeout != 0 {
		spec := t.graph.Spec()
		spec.Limits.Timeout = s.Timeout
		if t.graph, err = spec.Build(); err != nil {
			return t, t.fault(err)
		}
	}
	err = c.engine.Check(ctx, t.graph)
	if err == nil {
		t.graph, err = Pin(ctx, registry{c.bus}, noFiles{}, t.graph)
	}
	return t, t.fault(fault(err))
}

// resolve finds and builds what is to run.
func (c *Cluster) resolve(ctx context.Context, s ops.Submission) (target, error) {
	given := 0
	for _, yes := range []bool{s.Flow != "", s.Source != "", len(s.Graph) > 0, s.Module != ""} {
		if yes {
			given++
		}
	}
	switch {
	case given != 1:
		return target{}, invalid("the submission", "", "give one of flow, source, graph and module: what is to run")
	case s.Module == "" && (s.Export != "" || s.Limits != nil || s.Grants != nil):
		return target{}, invalid("the submission", "export", "export, limits and grants are for a module; in a flow, write them at the task")
	case s.Flow != "":
		f, err := (*flows)(c).Show(ctx, s.Flow)
		if err != nil {
			return target{}, err
		}
		return parse(f.Source)
	case s.Source != "":
		return parse(s.Source)
	case s.Module != "":
		return moduleTarget(s)
	}
	var spec engine.Spec
	d := json.NewDecoder(bytes.NewReader(s.Graph))
	d.DisallowUnknownFields()
	if err := d.Decode(&spec); err != nil {
		return target{}, invalid("the graph", "graph", err.Error())
	}
	g, err := spec.Build()
	t := target{graph: g}
	return t, t.fault(err)
}

// parse builds the text of a flow file.
func parse(source string) (target, error) {
	file, err := flowfile.Parse("flow.yaml", []byte(source))
	t := target{file: file}
	if err == nil {
		t.graph, err = file.Build()
	}
	return t, t.fault(err)
}

// moduleTarget is a graph of one task, an export of a module in the registry.
func moduleTarget(s ops.Submission) (target, error) {
	spec, err := json.Marshal(map[string]string{"module": s.Module, "export": s.Export})
	if err != nil {
		return target{}, err
	}
	name, _, _ := strings.Cut(s.Module, "@")
	if strings.HasPrefix(s.Module, "sha256:") {
		name = "module"
	}
	if s.Export != "" {
		name = s.Export
	}
	name = strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	g, err := engine.NewGraph(name, engine.Task{ID: name, Handler: "wasm", Spec: spec, Limits: s.Limits, Grants: s.Grants})
	t := target{graph: g}
	return t, t.fault(err)
}

// checkInput checks a run's input against the flow's schema.
func (t target) checkInput(input json.RawMessage) error {
	schema := t.graph.Spec().Input
	if len(schema) == 0 {
		return nil
	}
	if input == nil {
		input = json.RawMessage("null")
	}
	if err := flowfile.CheckSchema(schema, input); err != nil {
		return invalid("the input", "input", err.Error())
	}
	return nil
}

// fault is what is wrong with the flow, as an *ops.Invalid with places in its file.
// Errors that say nothing about it stay as they are.
func (t target) fault(err error) error {
	if err == nil {
		return nil
	}
	if t.file != nil {
		err = t.file.Locate(err)
	}
	var faults flowfile.Errors
	if errors.As(err, &faults) {
		all := make([]ops.Fault, 0, len(faults))
		for _, f := range faults {
			all = append(all, ops.Fault{Message: f.Message, Where: fmt.Sprintf("%d:%d", f.Line, f.Column)})
		}
		return &ops.Invalid{What: "the flow", Faults: all}
	}
	var built []ops.Fault
	for _, e := range buildErrors(err) {
		built = append(built, ops.Fault{Message: e.Message, Where: e.At})
	}
	if built != nil {
		return &ops.Invalid{What: "the flow", Faults: built}
	}
	return err
}

// buildErrors are those joined in an error.
func buildErrors(err error) []*engine.BuildError {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*engine.BuildError
		for _, e := range joined.Unwrap() {
			all = append(all, buildErrors(e)...)
		}
		return all
	}
	var one *engine.BuildError
	if errors.As(err, &one) {
		return []*engine.BuildError{one}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return buildErrors(inner)
	}
	return nil
}

func invalid(what, where, message string) error {
	return &ops.Invalid{What: what, Faults: []ops.Fault{{Message: message, Where: where}}}
}
