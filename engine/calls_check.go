package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// checkTool wants a tool to be another plain task, which does not lead back here.
func (c *compiler) checkTool(at string, t *Task, id string) {
	i, ok := c.g.index[id]
	switch {
	case !ok:
		c.fault(at, "no task %q", id)
	case c.g.vertices[i].isGroup():
		c.fault(at, "%q is a group; want a task", id)
	case c.g.vertices[i].task.Map != "":
		c.fault(at, "task %q has a map; want one that runs once: the caller may call it several times at once", id)
	case c.calls(id, t.ID, map[string]bool{}):
		c.fault(at, "task %q would call itself", t.ID)
	default:
		c.recovers[id] = true
	}
}

// calls tells that a task may call another, or itself, by its tools or theirs, or by
// what stands in for one of them.
func (c *compiler) calls(from, to string, seen map[string]bool) bool {
	if from == to {
		return true
	}
	i, ok := c.g.index[from]
	if !ok || seen[from] || c.g.vertices[i].isGroup() {
		return false
	}
	seen[from] = true
	t := c.g.vertices[i].task
	return t.Fallback != "" && c.calls(t.Fallback, to, seen) ||
		slices.ContainsFunc(t.Tools, func(id string) bool { return c.calls(id, to, seen) })
}

// checkCalls refuses calls that can't be made.
func (a *attempt) checkCalls(calls []TaskCall, e *Event) error {
	t := a.delivery.Task
	refuse := func(kind, format string, args ...any) error {
		return &TaskError{Kind: kind, Message: fmt.Sprintf("task %q: %s", t.ID, fmt.Sprintf(format, args...)), Permanent: true}
	}
	switch {
	case a.delivery.isRollback():
		return refuse(KindInvalidInput, "a rollback can't call tasks")
	case len(t.Tools) == 0:
		return refuse(KindDenied, "it has no tools to call %q", calls[0].ID)
	case len(calls) > maxCalls:
		return refuse(KindInvalidInput, "it calls %d tasks at once; %d is all it may", len(calls), maxCalls)
	}
	for i := range calls {
		c := &calls[i]
		switch {
		case c.Input != nil && !json.Valid(c.Input):
			return refuse(KindInvalidInput, "call of %q: its input is not JSON: %s", c.ID, short(c.Input))
		case c.Task == nil && !slices.Contains(t.Tools, c.ID):
			return refuse(KindDenied, "%q is none of its tools, which are %s", c.ID, quoted(t.Tools))
		case c.Task != nil && c.Task.Map != "":
			return refuse(KindInvalidInput, "call of %q: it has a map; call a task that runs once, several times at once", c.ID)
		case c.Task != nil:
			if err := a.checkNew("call of", c.Task, e); err != nil {
				return err
			}
		}
	}
	if _, err := a.delivery.of.graph.calling("1", calls); err != nil {
		return refuse(KindInvalidInput, "%v", err)
	}
	return nil
}

func quoted(names []string) string {
	var b bytes.Buffer
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}

// wholeCalls is what was called before, with blobs in the place of references.
func (a *attempt) wholeCalls() ([]Called, error) {
	d := a.delivery
	if len(d.Blobs) == 0 || len(d.Called) == 0 {
		return d.Called, nil
	}
	all := slices.Clone(d.Called)
	for i := range all {
		all[i].Answers = slices.Clone(all[i].Answers)
		for j := range all[i].Answers {
			answer := &all[i].Answers[j]
			var err error
			if answer.Value, err = a.engine.whole(a.ctx, d.Run, answer.Value, d.Blobs); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// sameCalls tells that calls are those of before.
func sameCalls(now, before []TaskCall) bool {
	return slices.EqualFunc(now, before, func(a, b TaskCall) bool {
		return a.ID == b.ID && sameJSON(a.Input, b.Input) && sameTask(a.Task, b.Task)
	})
}

// sameTask compares tasks as a journal has them.
func sameTask(a, b *Task) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && sameJSON(x, y)
}

func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := canonical(orNull(a))
	y, errY := canonical(orNull(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
