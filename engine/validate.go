package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// BuildError is one fault of a graph.
type BuildError struct {
	At      string // path in the spec, as tasks.fetch.retry, edges[2].to; "" is the whole
	Message string
}

// Error implements error.
func (e *BuildError) Error() string {
	if e.At == "" {
		return e.Message
	}
	return e.At + ": " + e.Message
}

// compiler builds a Graph and collects what is wrong.
type compiler struct {
	g    *Graph
	errs []error
	// recovers are the tasks named as a fallback, a rollback or a tool.
	recovers map[string]bool
	depth    int // of sub-flows
}

func (c *compiler) fault(at, format string, args ...any) {
	c.errs = append(c.errs, &BuildError{At: at, Message: fmt.Sprintf(format, args...)})
}

// Build validates the spec and compiles it. All faults are reported together,
// as [*BuildError] joined by errors.Join.
func (s Spec) Build() (*Graph, error) { return s.build(0) }

func (s Spec) build(depth int) (*Graph, error) {
	c := &compiler{depth: depth, g: &Graph{spec: s, exprs: map[string]*expression{}, index: map[string]int32{}}, recovers: map[string]bool{}}
	c.declare()
	c.members()
	c.connect()
	c.rootStarts()
	if len(c.errs) == 0 {
		c.order()
	}
	c.ends()
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return c.g, nil
}

// declare makes a vertex of each task and group.
func (c *compiler) declare() {
	g := c.g
	g.vertices = make([]vertex, 0, len(g.spec.Tasks)+len(g.spec.Groups))
	if len(g.spec.Tasks) == 0 {
		c.fault("tasks", "a graph needs at least one task")
	}
	for i := range g.spec.Tasks {
		t := &g.spec.Tasks[i]
		c.vertex("tasks", t.ID, vertex{id: t.ID, task: t, parent: -1})
	}
	for i := range g.spec.Groups {
		gr := &g.spec.Groups[i]
		c.vertex("groups", gr.ID, vertex{id: gr.ID, group: gr, parent: -1})
	}
	for i := range g.spec.Tasks {
		t := &g.spec.Tasks[i]
		c.checkTask(t)
		c.flow("tasks."+t.ID, int32(i), t)
	}
	if g.spec.Limits.MaxSteps < 0 {
		c.fault("limits.max_steps", "must not be negative")
	}
	if n := g.spec.Limits.MaxCycles; n != nil && *n < 0 {
		c.fault("limits.max_cycles", "must not be negative; 0 is no limit")
	}
}

func (c *compiler) vertex(kind, id string, v vertex) {
	at := kind + "." + id
	if !validID(id) {
		c.fault(at, "id %q: want letters, digits, _ and -", id)
	}
	if _, dup := c.g.index[id]; dup {
		c.fault(at, "id %q is declared twice", id)
		return
	}
	c.g.index[id] = int32(len(c.g.vertices))
	c.g.vertices = append(c.g.vertices, v)
}

func validID(id string) bool {
	for _, r := range id {
		ok := r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !ok {
			return false
		}
	}
	return id != "" && len(id) <= 256
}

func (c *compiler) checkTask(t *Task) {
	at := "tasks." + t.ID
	if r := t.Retry; r != nil {
		switch {
		case r.Max < 0:
			c.fault(at+".retry.max", "must not be negative")
		case r.Delay < 0 || r.MaxDelay < 0:
			c.fault(at+".retry.delay", "must not be negative")
		case r.Backoff != 0 && r.Backoff < 1:
			c.fault(at+".retry.backoff", "must be 1 or more")
		}
	}
	if t.Timeout < 0 {
		c.fault(at+".timeout", "must not be negative; 0 is no bound")
	}
	if t.Deadline < 0 {
		c.fault(at+".deadline", "must not be negative; 0 is no bound")
	}
	if t.QueueTimeout < 0 {
		c.fault(at+".queue_timeout", "must not be negative; 0 is no bound")
	}
	c.checkRecovery(at+".fallback", t, t.Fallback)
	c.checkRecovery(at+".rollback", t, t.Rollback)
	if t.Handler == FlowHandler && len(t.Tools) > 0 {
		c.fault(at+".tools", "tools are for a task that runs code: set them in the sub-flow, at its tasks")
	}
	for i, id := range t.Tools {
		c.checkTool(fmt.Sprintf("%s.tools[%d]", at, i), t, id)
	}
	if t.MaxCycles != nil && *t.MaxCycles < 0 {
		c.fault(at+".max_cycles", "must not be negative; 0 is no limit")
	}
	if t.Join != "" && t.Join != JoinAll && t.Join != JoinAny {
		c.fault(at+".join", "%q: want all or any", t.Join)
	}
	c.checkMap(at, t)
	c.checkPlacing(at, t)
	for name, raw := range t.With {
		c.checkTemplates(at+".with."+name, raw)
	}
	seen := map[string]bool{}
	for i, p := range t.Params {
		if p.Name == "" || seen[p.Name] {
			c.fault(fmt.Sprintf("%s.params[%d]", at, i), "parameter %q: empty or declared twice", p.Name)
		}
		seen[p.Name] = true
	}
}

// checkRecovery wants a fallback or rollback to be another plain task.
func (c *compiler) checkRecovery(at string, t *Task, id string) {
	if id == "" {
		return
	}
	i, ok := c.g.index[id]
	if !ok {
		c.fault(at, "no task %q", id)
		return
	}
	switch v := &c.g.vertices[i]; {
	case v.isGroup():
		c.fault(at, "%q is a group; want a task", id)
	case id == t.ID:
		c.fault(at, "%q can't stand in for itself", id)
	case v.task.Map != "":
		c.fault(at, "task %q has a map; want one that runs once", id)
	default:
		c.recovers[id] = true
	}
}

// standsBy tells that a vertex is only there as a fallback, a rollback or a tool.
func (c *compiler) standsBy(v *vertex) bool {
	return c.recovers[v.id] && v.parent < 0 && len(v.in)+len(v.out) == 0 && !slices.Contains(c.g.spec.Start, v.id)
}

func (c *compiler) checkMap(at string, t *Task) {
	if t.OnError != "" && t.OnError != OnErrorFail && t.OnError != OnErrorCollect {
		c.fault(at+".on_error", "%q: want fail or collect", t.OnError)
	}
	if t.MaxConcurrency != nil && *t.MaxConcurrency < 1 {
		c.fault(at+".max_concurrency", "must be 1 or more")
	}
	if t.Map == "" {
		if t.MaxConcurrency != nil || t.OnError != "" {
			c.fault(at, "max_concurrency and on_error belong to a task with map")
		}
		return
	}
	c.expression(at+".map", t.Map)
}

// checkTemplates compiles every ${…} in the strings of raw, and checks that
// the tasks it names exist.
func (c *compiler) checkTemplates(at string, raw json.RawMessage) {
	v, err := decodeValue(raw)
	if err != nil {
		c.fault(at, "not JSON: %v", err)
		return
	}
	walkStrings(v, func(s string) {
		_, exprs, err := templates(s)
		if err != nil {
			c.fault(at, "%v", err)
		}
		for _, e := range exprs {
			c.expression(at, e)
		}
	})
}

func walkStrings(v any, f func(string)) {
	switch x := v.(type) {
	case string:
		f(x)
	case []any:
		for _, e := range x {
			walkStrings(e, f)
		}
	case map[string]any:
		for _, e := range x {
			walkStrings(e, f)
		}
	}
}

func (c *compiler) expression(at, text string) *expression {
	if e, ok := c.g.exprs[text]; ok {
		return e
	}
	e, err := compileExpr(text)
	if err != nil {
		c.fault(at, "%v", err)
		return nil
	}
	for _, id := range e.tasks() {
		if _, ok := c.g.index[id]; !ok {
			c.fault(at, "expression %q: no task %q", text, id)
		}
	}
	c.g.exprs[text] = e
	return e
}

// members places vertices in the groups that hold them.
func (c *compiler) members() {
	for i := range c.g.spec.Groups {
		gr := &c.g.spec.Groups[i]
		at := "groups." + gr.ID
		gi, ok := c.g.index[gr.ID]
		if !ok {
			continue
		}
		if len(gr.Members) == 0 {
			c.fault(at, "a group needs at least one member")
		}
		c.g.vertices[gi].starts = make([][]int32, len(gr.Members))
		for m, member := range gr.Members {
			for _, id := range member.Nodes {
				c.place(fmt.Sprintf("%s.members[%d]", at, m), id, gi, int32(m))
			}
		}
		c.checkPolicy(at, gr)
	}
	c.checkNesting()
}

func (c *compiler) place(at, id string, group, member int32) {
	i, ok := c.g.index[id]
	if !ok {
		c.fault(at, "no task or group %q", id)
		return
	}
	v := &c.g.vertices[i]
	if v.parent >= 0 {
		c.fault(at, "%q is in group %q already", id, c.g.vertices[v.parent].id)
		return
	}
	v.parent, v.member = group, member
}

// checkNesting refuses a group that holds itself.
func (c *compiler) checkNesting() {
	for i := range c.g.vertices {
		depth := 0
		for p := c.g.vertices[i].parent; p >= 0; p = c.g.vertices[p].parent {
			if depth++; depth > len(c.g.spec.Groups) {
				c.fault("groups."+c.g.vertices[p].id, "the group is a member of itself")
				return
			}
		}
	}
}

func (c *compiler) checkPolicy(at string, gr *Group) {
	p := gr.Policy
	set := 0
	for _, b := range []bool{p.BestEffort, p.AtLeast != 0, p.Critical != nil, p.Custom != ""} {
		if b {
			set++
		}
	}
	if set > 1 {
		c.fault(at+".policy", "want one of best_effort, at_least, critical, custom")
	}
	if p.AtLeast < 0 || p.AtLeast > len(gr.Members) {
		c.fault(at+".policy", "at_least %d is impossible with %d members", p.AtLeast, len(gr.Members))
	}
	if p.Critical != nil && len(p.Critical) == 0 {
		c.fault(at+".policy", "critical names no member")
	}
	for _, id := range p.Critical {
		if memberOf(gr, id) < 0 {
			c.fault(at+".policy", "critical %q is no member of the group", id)
		}
	}
	if n := gr.MaxConcurrency; n != nil && *n < 1 {
		c.fault(at+".max_concurrency", "must be 1 or more")
	}
	if gr.Supersteps < 0 {
		c.fault(at+".supersteps", "must not be negative")
	}
	if gr.Timeout < 0 {
		c.fault(at+".timeout", "must not be negative")
	}
}

// memberOf finds the member that is called id or holds it; -1 is none.
func memberOf(gr *Group, id string) int {
	return slices.IndexFunc(gr.Members, func(m Member) bool { return m.ID == id || slices.Contains(m.Nodes, id) })
}
