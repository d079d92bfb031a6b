package flowtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// tree has the tasks of a flow and of its sub-flows, by path: a task of a sub-flow is
// FLOW/TASK, for any attempt and any cycle of it.
type tree struct {
	spec  engine.Spec
	tasks map[string]*engine.Task
	subs  map[string]*tree // by the id of their task
}

func newTree(spec engine.Spec) *tree {
	t := &tree{spec: spec, tasks: map[string]*engine.Task{}, subs: map[string]*tree{}}
	for i := range spec.Tasks {
		task := &spec.Tasks[i]
		t.tasks[task.ID] = task
		var inner engine.Spec
		if task.Handler == engine.FlowHandler && json.Unmarshal(task.Spec, &inner) == nil {
			t.subs[task.ID] = newTree(inner)
		}
	}
	return t
}

// task finds a task by its path, or returns nil.
func (t *tree) task(path string) *engine.Task {
	for {
		flow, rest, deeper := strings.Cut(path, "/")
		switch {
		case !deeper:
			return t.tasks[path]
		case t.subs[flow] == nil:
			return nil
		}
		t, path = t.subs[flow], rest
	}
}

// paths are those of all tasks, sorted.
func (t *tree) paths() []string {
	var all []string
	for id := range t.tasks {
		all = append(all, id)
	}
	for _, flow := range slices.Sorted(maps.Keys(t.subs)) {
		for _, p := range t.subs[flow].paths() {
			all = append(all, flow+"/"+p)
		}
	}
	slices.Sort(all)
	return all
}

// pathOf is the path of the task whose activation it is. task is its id, which differs
// from the activation's for a fallback; "" takes that of the activation.
func (t *tree) pathOf(activation, task string) string {
	parts := strings.Split(activation, "/")
	prefix := ""
	for _, part := range parts[:len(parts)-1] {
		// What a task has called is of the caller's own flow.
		if id := bare(part); t.subs[id] != nil {
			t, prefix = t.subs[id], prefix+id+"/"
		}
	}
	if task == "" {
		task = bare(parts[len(parts)-1])
	}
	return prefix + task
}

// bare is the task in a part of an activation's id, without its cycle, attempt, item
// or recovery.
func bare(part string) string {
	if i := strings.IndexAny(part, "#~[!"); i >= 0 {
		return part[:i]
	}
	return part
}
