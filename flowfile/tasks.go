package flowfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// optionKeys are the keys of a task that are no handler.
var optionKeys = []string{
	"handler", "handler_kwargs", "with", "params", "timeout", "deadline", "queue_timeout", "retry",
	"fallback", "rollback", "max_cycles", "join",
	"map", "max_concurrency", "on_error", "limits", "grants", "isolation", "secrets", "output",
	"queue", "priority", "requires",
	"doc", "schema", "tools",
}

// handlerKeys are the handlers that are known by name; any other name is a
// custom one.
var handlerKeys = []string{"wasm", "builtin", "direct", "docker", "script", "flow"}

// defaultKeys are the options that `defaults:` may hold.
var defaultKeys = []string{
	"timeout", "deadline", "queue_timeout", "retry", "max_cycles", "join", "max_concurrency", "on_error", "limits", "grants", "isolation", "output",
	"queue", "priority", "requires",
}

func (r *reader) modules(n *node) {
	if n.kind != kindMapping {
		r.fault(n.at, "modules: want a mapping of short names to modules, not %s", n.kind)
		return
	}
	for _, e := range n.entries {
		r.file.places["modules."+e.key] = e.place()
		var ref string
		r.text(&ref)("", e.value)
		r.file.Modules[e.key] = r.file.resolve(ref)
	}
}

func (r *reader) readDefaults(n *node) {
	if n.kind != kindMapping {
		r.fault(n.at, "defaults: want a mapping, not %s", n.kind)
		return
	}
	known := slices.Clone(n.entries)[:0]
	for _, e := range n.entries {
		switch {
		case e.key == "secrets":
			r.fault(e.at, "defaults: secrets are allowed task by task; write them at the tasks that read them")
		case !slices.Contains(defaultKeys, e.key):
			r.fault(e.at, "defaults: unknown key %q%s", e.key, suggest(e.key, defaultKeys))
		default:
			known = append(known, e)
		}
	}
	same := *n
	same.entries = known
	r.defaults = &same
	// Read once here, so that what is wrong is said even without tasks. Tasks
	// that read it again say the same at the same place.
	r.fields("defaults", "defaults", &same, r.options(&engine.Task{}))
}

func (r *reader) tasks(_ string, n *node) {
	if n.kind != kindMapping {
		r.fault(n.at, "tasks: want a mapping of ids to tasks, not %s", n.kind)
		r.noBuild = true
		return
	}
	for _, e := range n.entries {
		r.file.places["tasks."+e.key] = e.at
		t := r.task(e)
		r.file.Spec.Tasks = append(append(r.file.Spec.Tasks, t), r.inline...)
		r.inline = nil
	}
}

func (r *reader) task(e *entry) engine.Task {
	t := engine.Task{ID: e.key}
	at := "tasks." + e.key
	if e.value.kind != kindMapping {
		r.fault(e.place(), "task %q: want a mapping with a handler, as {wasm: module#task}, not %s", e.key, e.value.kind)
		return t
	}
	options := &node{kind: kindMapping, at: e.value.at}
	var handlers []*entry
	for _, o := range e.value.entries {
		switch {
		case o.key == "handler" || slices.Contains(handlerKeys, o.key) || !slices.Contains(optionKeys, o.key):
			handlers = append(handlers, o)
		case o.key != "handler_kwargs":
			options.entries = append(options.entries, o)
		}
	}
	if h := r.pickHandler(e, handlers); h != nil {
		r.handler(&t, h, e.value)
	}
	r.fields(fmt.Sprintf("task %q", e.key), at, options, r.options(&t))
	r.applyDefaults(&t, e.value)
	return t
}

// pickHandler finds the one key that is the task's handler. With a handler
// that is known, all other keys are misspelled options.
func (r *reader) pickHandler(e *entry, found []*entry) *entry {
	var picked *entry
	isKnown := func(o *entry) bool { return o.key == "handler" || slices.Contains(handlerKeys, o.key) }
	if i := slices.IndexFunc(found, isKnown); i >= 0 {
		picked = found[i]
	}
	all := slices.Concat(optionKeys, handlerKeys)
	for _, o := range found {
		hint := suggest(o.key, all)
		switch {
		case o == picked:
		case picked != nil && isKnown(o):
			r.fault(o.at, "task %q has two handlers, %s and %s; want one", e.key, picked.key, o.key)
		case picked != nil:
			r.fault(o.at, "task %q: unknown key %q%s", e.key, o.key, hint)
		case misspelled(o.key, all):
			r.fault(o.at, "task %q: unknown key %q%s; a custom handler of that name is written handler: %s",
				e.key, o.key, hint, o.key)
		default:
			picked = o
		}
	}
	if picked == nil && len(found) == 0 {
		r.fault(e.at, "task %q has no handler; want one of wasm, builtin or the name of a handler", e.key)
	}
	return picked
}

// misspelled tells whether key is one edit from a known one, other than by what
// follows it: docker2 may well be a handler.
func misspelled(key string, known []string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		return len(k) >= 4 && distance(key, k) == 1 && !strings.HasPrefix(key, k)
	})
}

// handler fills in t's handler and spec, from the entry h of the mapping task.
func (r *reader) handler(t *engine.Task, h *entry, task *node) {
	at := "tasks." + t.ID
	r.file.places[at+".handler"] = h.at
	r.file.places[at+".spec"] = h.place()
	kwargs := task.get("handler_kwargs")
	if h.key == "handler" {
		r.text(&t.Handler)("", h.value)
		r.file.places[at+".handler"] = h.place()
		if kwargs != nil {
			r.file.places[at+".spec"] = kwargs.at
			t.Spec = kwargs.json()
			switch t.Handler {
			case "docker":
				t.Spec = r.docker(at+".spec", kwargs)
			case "script":
				t.Spec = r.script(at+".spec", kwargs)
			}
		}
		return
	}
	if kwargs != nil {
		r.fault(kwargs.at, "handler_kwargs goes with handler: NAME; %s has its spec as its value", h.key)
	}
	t.Handler = h.key
	switch {
	case h.key == "wasm":
		t.Spec = r.wasm(h.value)
	case h.key == "docker":
		t.Spec = r.docker(at+".spec", h.value)
	case h.key == "script":
		t.Spec = r.script(at+".spec", h.value)
	case h.key == "flow":
		r.subFlow(t, h.value)
	case h.key == "builtin" && h.value.kind == kindString:
		t.Spec = object("name", h.value.text)
	case h.key == "builtin" && h.value.kind != kindMapping:
		r.want(h.value, "the name of a built-in task")
	case h.value.kind != kindNull:
		t.Spec = h.value.json()
	}
}

// object writes a JSON object of strings.
func object(pairs ...string) json.RawMessage {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(pairs[i]))
		b.WriteByte(':')
		b.Write(quote(pairs[i+1]))
	}
	b.WriteByte('}')
	return json.RawMessage(b.String())
}

// wasm reads MODULE#EXPORT, or a mapping with module and export; what else a
// mapping has is for the handler.
func (r *reader) wasm(n *node) json.RawMessage {
	switch {
	case n.kind == kindString:
		ref, export := n.text, ""
		if i := strings.LastIndexByte(n.text, '#'); i >= 0 {
			ref, export = n.text[:i], n.text[i+1:]
			if export == "" {
				r.fault(n.at, "want the name of an export after #")
			}
		}
		if ref == "" {
			r.fault(n.at, "want a module, as ./img.wasm#resize")
		}
		return object("module", r.module(ref), "export", export)
	case n.kind != kindMapping:
		r.want(n, "a module, as ./img.wasm#resize")
		return nil
	case n.get("module") == nil:
		r.fault(n.at, "wasm: the key \"module\" is missing")
	}
	same := &node{kind: kindMapping, at: n.at}
	for _, e := range n.entries {
		if e.key != "module" && e.key != "export" {
			same.entries = append(same.entries, e)
			continue
		}
		var s string
		r.text(&s)("", e.value)
		if e.key == "module" {
			s = r.module(s)
		}
		same.entries = append(same.entries, &entry{key: e.key, value: &node{kind: kindString, text: s}})
	}
	return same.json()
}
