package flowfile

import (
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
)

// isolationKey is a key of tasks whose value their handlers find among the limits: it
// bounds what a task can harm.
const isolationKey = "isolation"

// hasIsolation tells whether a task's handler has cells.
func hasIsolation(t *engine.Task) bool {
	return t.Handler == "wasm" || t.Handler == "script"
}

// isolation reads the wall that a task asks for: there is only more of it to ask for.
func (r *reader) isolation(n *node, t *engine.Task) string {
	switch {
	case t.Handler == "docker":
		r.fault(n.at, "isolation: a container is a process of its own; leave it out")
	case t.Handler != "" && !hasIsolation(t):
		r.fault(n.at, "isolation: it is for tasks in the sandbox, wasm and script; a %s task has none", t.Handler)
	case n.kind == kindString && (n.text == "inproc" || n.text == "unsigned"):
		r.fault(n.at, "isolation: %s is for an operator to say, in a policy: a flow may ask for more isolation, with process, never for less", n.text)
	default:
		return r.oneOf(n, []string{"process"})
	}
	return ""
}

// isolationOf is what limits have of isolation; "" if nothing.
func isolationOf(limits json.RawMessage) string {
	var fields struct{ Isolation any }
	_ = json.Unmarshal(limits, &fields) // the handler tells what is wrong
	text, _ := fields.Isolation.(string)
	return text
}

// withIsolation is limits with an isolation, if there is one.
func withIsolation(limits json.RawMessage, isolation string) json.RawMessage {
	var fields map[string]json.RawMessage
	if isolation == "" || len(limits) > 0 && json.Unmarshal(limits, &fields) != nil {
		return limits
	}
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	fields[isolationKey] = quote(isolation)
	data, err := json.Marshal(fields)
	if err != nil {
		return limits // it was JSON just now
	}
	return data
}

// withoutIsolation takes it out of limits, for files that have it beside them.
func withoutIsolation(limits json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if isolationOf(limits) == "" || json.Unmarshal(limits, &fields) != nil {
		return limits
	}
	delete(fields, isolationKey)
	data, err := json.Marshal(fields)
	if err != nil || len(fields) == 0 {
		return nil
	}
	return data
}
