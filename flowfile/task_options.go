package flowfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// options are the readers of a task's options; its handler is known by then.
func (r *reader) options(t *engine.Task) map[string]func(string, *node) {
	return map[string]func(string, *node){
		"timeout": r.duration(&t.Timeout), "deadline": r.duration(&t.Deadline), "queue_timeout": r.duration(&t.QueueTimeout),
		"fallback": r.recovery(&t.Fallback, t, "fallback"), "rollback": r.recovery(&t.Rollback, t, "rollback"),
		"max_cycles": r.optionalInteger(&t.MaxCycles),
		"join":       func(at string, n *node) { r.text((*string)(&t.Join))(at, n) },
		"map":        r.text(&t.Map), "max_concurrency": r.optionalInteger(&t.MaxConcurrency),
		"on_error":  func(at string, n *node) { r.text((*string)(&t.OnError))(at, n) },
		"with":      func(at string, n *node) { t.With = r.with(at, n) },
		"params":    func(at string, n *node) { t.Params = r.params(at, n) },
		"retry":     func(at string, n *node) { t.Retry = r.retry(at, n) },
		"limits":    func(at string, n *node) { t.Limits = withIsolation(r.limits(at, n, t), isolationOf(t.Limits)) },
		"isolation": func(_ string, n *node) { t.Limits = withIsolation(t.Limits, r.isolation(n, t)) },
		"grants":    func(at string, n *node) { t.Grants = r.grants(at, n, t) },
		"secrets":   func(at string, n *node) { t.Secrets = r.secrets(at, n) },
		"output":    func(_ string, n *node) { t.Output = engine.Output(r.oneOf(n, outputs)) },
		"queue":     r.text(&t.Queue),
		"priority":  func(_ string, n *node) { t.Priority = engine.Priority(r.oneOf(n, priorities)) },
		"requires":  func(at string, n *node) { t.Requires = r.requires(at, n) },
		"doc":       r.text(&t.Doc), "schema": r.schema(t), "tools": r.tools(t),
	}
}

// recovery reads the name of a task, or a task in place: that is the same as one
// named like the task it is for, with the option's name.
func (r *reader) recovery(to *string, t *engine.Task, option string) func(string, *node) {
	return func(at string, n *node) {
		switch n.kind {
		case kindString:
			*to = n.text
		case kindMapping:
			*to = t.ID + "-" + option
			r.file.places["tasks."+*to] = r.file.places[at]
			r.inline = append(r.inline, r.task(&entry{key: *to, at: n.at, value: n}))
		default:
			r.want(n, "the name of a task, or a task, as {wasm: module#task}")
		}
	}
}

// secrets reads the names of those that the task may read.
func (r *reader) secrets(at string, n *node) []string {
	var all []string
	r.names(&all)(at, n)
	r.once(n)
	for _, item := range n.items {
		if item.kind == kindString && item.text == "" {
			r.want(item, "the name of a secret")
		}
	}
	return all
}

var (
	outputs    = []string{string(engine.OutputInline), string(engine.OutputBlob), string(engine.OutputAuto)}
	priorities = []string{string(engine.PriorityHigh), string(engine.PriorityNormal), string(engine.PriorityLow)}
)

// oneOf reads one of some words.
func (r *reader) oneOf(n *node, words []string) string {
	if n.kind != kindString || !slices.Contains(words, n.text) {
		r.fault(n.at, "want one of %s, not %s%s", strings.Join(words, ", "), n.shown(), suggest(n.text, words))
		return ""
	}
	return n.text
}

// requires reads the labels that a worker must have.
func (r *reader) requires(at string, n *node) map[string]string {
	if n.kind != kindMapping {
		r.want(n, `a mapping of labels to values, as {gpu: "1"}`)
		return nil
	}
	labels := map[string]string{}
	for _, e := range n.entries {
		r.file.places[at+"."+e.key] = e.place()
		if e.value.kind != kindString {
			r.fault(e.place(), "requires.%s: want a string, not %s; quote it to make it one", e.key, e.value.shown())
			continue
		}
		labels[e.key] = e.value.text
	}
	return labels
}

// applyDefaults sets what the task has not. Limits and grants are the
// sandbox's and the containers', and a task gets those that its handler knows;
// isolation is the sandbox's; labels are the workers': a built-in task has none of these. Options of a map go
// to maps alone. A sub-flow has its own.
func (r *reader) applyDefaults(t *engine.Task, task *node) {
	if r.defaults == nil || task.get("flow") != nil || t.Handler == "flow" {
		return
	}
	readers := r.options(t)
	for _, e := range r.defaults.entries {
		sandbox := e.key == "limits" || e.key == "grants" || e.key == "requires"
		ofMap := e.key == "max_concurrency" || e.key == "on_error"
		isolation := e.key == "isolation" && !hasIsolation(t)
		if task.get(e.key) != nil || isolation || sandbox && t.Handler == "builtin" || ofMap && t.Map == "" {
			continue
		}
		at := "tasks." + t.ID + "." + e.key
		r.file.places[at] = e.place()
		value := e.value
		switch e.key {
		case "limits":
			value = only(value, limitKeysOf(t))
		case "grants":
			value = only(value, grantKeysOf(t))
		}
		if value == e.value || len(value.entries) > 0 {
			readers[e.key](at, value)
		}
	}
}

// only is a mapping without the entries that are known, but not to the task's
// handler; known is what that knows.
func only(n *node, known []string) *node {
	ofAnother := func(e *entry) bool {
		all := slices.Concat(limitKeysOf(&engine.Task{}), grantKeysOf(&engine.Task{}))
		return !slices.Contains(known, e.key) && slices.Contains(all, e.key)
	}
	if known == nil || n.kind != kindMapping || !slices.ContainsFunc(n.entries, ofAnother) {
		return n
	}
	same := *n
	same.entries = slices.DeleteFunc(slices.Clone(n.entries), ofAnother)
	return &same
}

func (r *reader) with(at string, n *node) map[string]json.RawMessage {
	if n.kind != kindMapping {
		r.want(n, "a mapping of names to values")
		return nil
	}
	values := map[string]json.RawMessage{}
	for _, e := range n.entries {
		r.file.places[at+"."+e.key] = e.place()
		values[e.key] = e.value.json()
	}
	return values
}

func (r *reader) params(at string, n *node) []engine.Param {
	if n.kind != kindList {
		r.want(n, "a list of names, or of {name: …, default: …}")
		return nil
	}
	var all []engine.Param
	for i, item := range n.items {
		p := engine.Param{}
		path := fmt.Sprintf("%s[%d]", at, i)
		r.file.places[path] = item.at
		if item.kind == kindString {
			p.Name = item.text
		} else {
			r.fields("param", path, item, map[string]func(string, *node){
				"name": r.text(&p.Name), "default": func(_ string, n *node) { p.Default = n.json() },
			})
		}
		all = append(all, p)
	}
	return all
}

func (r *reader) retry(at string, n *node) *engine.Retry {
	if n.kind == kindNull {
		return nil
	}
	p := &engine.Retry{}
	if n.kind != kindMapping {
		r.want(n, "a mapping, as {max: 3, delay: 1s, backoff: 2}")
		return nil
	}
	r.fields("retry", at, n, map[string]func(string, *node){
		"max": r.integer(&p.Max), "delay": r.duration(&p.Delay), "max_delay": r.duration(&p.MaxDelay),
		"jitter": r.boolean(&p.Jitter), "on": r.names(&p.On), "except": r.names(&p.Except),
		"backoff": func(_ string, n *node) {
			f, err := strconv.ParseFloat(n.text, 64)
			if n.kind != kindNumber || err != nil {
				r.want(n, "a number")
				return
			}
			p.Backoff = f
		},
	})
	return p
}
