package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// resolver evaluates expressions for one activation.
type resolver struct {
	input, item json.RawMessage
	result      json.RawMessage
	failure     json.RawMessage // of the task that a fallback or rollback is for
	view        *View
	exprs       map[string]*expression
}

func newResolver(r *Run, act *activation) *resolver {
	v := r.view(act.scope)
	return &resolver{input: r.input, item: act.item, view: &v, exprs: r.graph.exprs}
}

// with evaluates the templates of a task's values.
func (in *resolver) with(values map[string]json.RawMessage) (map[string]json.RawMessage, error) {
	out := make(map[string]json.RawMessage, len(values))
	for name, raw := range values {
		v, err := in.fill(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// fill replaces the templates in the strings of a value. A value without any is
// passed as it is written.
func (in *resolver) fill(raw json.RawMessage) (json.RawMessage, error) {
	if !strings.Contains(string(raw), "${") {
		return raw, nil
	}
	v, err := decodeValue(raw)
	if err != nil {
		return nil, err
	}
	if v, err = in.fillValue(v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func (in *resolver) fillValue(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case string:
		return in.fillString(x)
	case []any:
		for i := range x {
			if x[i], err = in.fillValue(x[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range x {
			if x[k], err = in.fillValue(x[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (in *resolver) fillString(s string) (any, error) {
	literals, exprs, err := templates(s)
	if err != nil {
		return nil, err
	}
	if len(exprs) == 1 && literals[0] == "" && literals[1] == "" {
		return in.eval(exprs[0])
	}
	var b strings.Builder
	for i, e := range exprs {
		b.WriteString(literals[i])
		v, err := in.eval(e)
		if err != nil {
			return nil, err
		}
		if text, ok := v.(string); ok {
			b.WriteString(text)
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		b.Write(raw)
	}
	b.WriteString(literals[len(exprs)])
	return b.String(), nil
}

// eval evaluates an expression, compiled when the graph was built.
func (in *resolver) eval(text string) (any, error) {
	e, ok := in.exprs[text]
	if !ok { // of a task added at run time
		var err error
		if e, err = compileExpr(text); err != nil {
			return nil, err
		}
	}
	names, err := in.names(e)
	if err != nil {
		return nil, err
	}
	return e.eval(names)
}

// names decodes only what the expression mentions.
func (in *resolver) names(e *expression) (exprNames, error) {
	var n exprNames
	var err error
	decode := func(raw json.RawMessage) any {
		v, decodeErr := decodeValue(raw)
		if decodeErr != nil {
			err = decodeErr
		}
		return v
	}
	if e.mentions("input") {
		n.Input = decode(in.input)
	}
	if e.mentions("item") {
		n.Item = decode(in.item)
	}
	if e.mentions("result") {
		n.Result = decode(in.result)
	}
	if e.mentions("error") {
		n.Error = decode(in.failure)
	}
	if e.mentions("tasks") {
		n.Tasks = map[string]any{}
		for _, id := range e.tasks() {
			switch res := in.view.result(id); {
			case res == nil:
			case res.err != nil:
				n.Tasks[id] = map[string]any{"error": map[string]any{"kind": res.err.Kind, "message": res.err.Message}}
			default:
				n.Tasks[id] = decode(res.value)
			}
		}
	}
	if e.mentions("channel") {
		n.Channel = map[string]any{}
		for _, key := range in.view.Keys("") {
			raw, _ := in.view.Get(key)
			n.Channel[key] = decode(raw)
		}
	}
	return n, err
}

// param resolves a declared parameter: the result of a task of that name, else
// the channel key, else the default.
func (in *resolver) param(p Param) (json.RawMessage, bool) {
	if v, ok := in.view.Result(p.Name); ok {
		return v, true
	}
	if v, ok := in.view.Get(p.Name); ok {
		return v, true
	}
	return p.Default, p.Default != nil
}

// mentions tells whether an expression uses a variable.
func (e *expression) mentions(name string) bool {
	found := false
	visit(e, func(n ast.Node) {
		if id, ok := n.(*ast.IdentifierNode); ok && id.Value == name {
			found = true
		}
	})
	return found
}

// tasks are the ids that an expression names as tasks.id or tasks["id"].
func (e *expression) tasks() []string {
	var ids []string
	visit(e, func(n ast.Node) {
		m, ok := n.(*ast.MemberNode)
		if !ok {
			return
		}
		of, ok := m.Node.(*ast.IdentifierNode)
		name, isName := m.Property.(*ast.StringNode)
		if ok && isName && of.Value == "tasks" && !slices.Contains(ids, name.Value) {
			ids = append(ids, name.Value)
		}
	})
	return ids
}

type visitor func(ast.Node)

func (f visitor) Visit(n *ast.Node) { f(*n) }

func visit(e *expression, f func(ast.Node)) {
	node := e.program.Node()
	ast.Walk(&node, visitor(f))
}

// verdicts evaluates the conditions on a task's outgoing edges; nil when there
// are none.
func verdicts(g *Graph, v int32, in *resolver) ([]bool, error) {
	out := g.vertices[v].out
	conditional := slices.ContainsFunc(out, func(e int32) bool { return g.edges[e].when != nil })
	if !conditional {
		return nil, nil
	}
	alive := make([]bool, len(out))
	for i, ei := range out {
		e := &g.edges[ei]
		if alive[i] = e.when == nil; alive[i] {
			continue
		}
		v, err := in.eval(e.when.text)
		if err != nil {
			return nil, fmt.Errorf("condition on the edge to %q: %w", g.vertices[e.to].id, err)
		}
		ok, isBool := v.(bool)
		if !isBool {
			return nil, fmt.Errorf("condition on the edge to %q: %q is %T, want a boolean", g.vertices[e.to].id, e.when.text, v)
		}
		alive[i] = ok
	}
	return alive, nil
}
