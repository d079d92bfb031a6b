package engine

import (
	"encoding/json"
	"fmt"
	"strings"
)

// check refuses results that can't be applied, and evaluates the conditions on
// the task's edges: once, here, for good.
func (a *attempt) check(result *Result, e *Event) error {
	d := a.delivery
	if result.Value == nil {
		result.Value = json.RawMessage("null")
	} else if !json.Valid(result.Value) {
		return &TaskError{Kind: "invalid_output", Message: fmt.Sprintf("task %q: its handler's value is not JSON: %s", d.Task.ID, short(result.Value)), Permanent: true}
	}
	if p := result.Effects.Pause; p != nil {
		return a.checkPause(p)
	}
	if len(result.Effects.Calls) > 0 {
		return a.checkCalls(result.Effects.Calls, e)
	}
	for _, c := range result.Effects.Checkpoints {
		if strings.HasPrefix(c.Name, "#") || c.Meta != nil && !json.Valid(c.Meta) {
			return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("task %q: checkpoint %q: a name must not begin with #, metadata must be JSON", d.Task.ID, c.Name), Permanent: true}
		}
	}
	if d.isRollback() {
		return nil
	}
	if err := a.checkNext(result.Effects.Next, e); err != nil {
		return err
	}
	g := d.of.graph
	v := d.Vertex
	if int(v) >= len(g.vertices) || d.owner().Map != "" || len(g.vertices[v].out) == 0 {
		return nil
	}
	view, err := ownWrites(&d.View, result.Effects.Channel)
	if err != nil {
		return err
	}
	alive, err := verdicts(g, v, &resolver{input: d.of.input, result: result.Value, view: view, exprs: g.exprs})
	e.Alive = alive
	return err
}

// checkNext refuses tasks that can't be: references to nothing, new tasks of
// unknown handlers.
func (a *attempt) checkNext(next []NextTask, e *Event) error {
	for i := range next {
		t := &next[i].Task
		if !validID(t.ID) {
			return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("next_task: id %q: want letters, digits, _ and -", t.ID), Permanent: true}
		}
		if t.Handler == "" && t.Spec == nil {
			_, exists := a.delivery.View.vertexOf(t.ID)
			for _, earlier := range next[:i] {
				exists = exists || earlier.Task.ID == t.ID
			}
			if !exists {
				return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("next_task: no task %q; a new one needs a handler", t.ID), Permanent: true}
			}
			continue
		}
		if err := a.checkRecoveries(t, next); err != nil {
			return err
		}
		if err := a.checkNew("next_task", t, e); err != nil {
			return err
		}
	}
	return nil
}

// checkNew wants a task that no graph has to be one that can run, and pins its code.
func (a *attempt) checkNew(what string, t *Task, e *Event) error {
	if t.Handler == FlowHandler {
		return a.checkFlow(what, t, e)
	}
	h, ok := a.engine.cfg.Handlers[handlerName(t)]
	if !ok {
		return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("%s %q: no handler %q; there are %s", what, t.ID, handlerName(t), names(a.engine.cfg.Handlers)), Permanent: true}
	}
	if c, ok := h.(Checker); ok {
		if err := c.Check(a.engine.ctx, t); err != nil {
			return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("%s %q: %v", what, t.ID, err), Permanent: true, Err: err}
		}
	}
	if err := a.engine.pin(a.engine.ctx, t, e); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// checkRecoveries wants the fallback and rollback of a task to be added to exist, and
// its tools to be tasks of the graph.
func (a *attempt) checkRecoveries(t *Task, next []NextTask) error {
	for _, id := range t.Tools {
		if a.delivery.of.graph.plainTask(id) == nil {
			return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("next_task %q: no plain task %q in the graph to be its tool", t.ID, id), Permanent: true}
		}
	}
	for _, id := range []string{t.Fallback, t.Rollback} {
		if id == "" {
			continue
		}
		_, exists := a.delivery.View.vertexOf(id)
		for i := range next {
			exists = exists || next[i].Task.ID == id
		}
		if !exists || id == t.ID {
			return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("next_task %q: no other task %q to be its fallback or rollback", t.ID, id), Permanent: true}
		}
	}
	return nil
}

// ownWrites is the view with the attempt's writes on it.
func ownWrites(v *View, ops []ChannelOp) (*View, error) {
	if len(ops) == 0 {
		return v, nil
	}
	c := *v
	for _, op := range ops {
		old, _ := c.channel.get(op.Key)
		value, err := ApplyOp(old, op)
		switch {
		case err != nil:
			return nil, err
		case value == nil:
			c.channel = c.channel.delete(op.Key)
		default:
			c.channel = c.channel.set(op.Key, value)
		}
	}
	return &c, nil
}
