package sim

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// effort is how many steps a shrinking may play.
const effort = 150_000

// Shrink makes a broken case small: fewer faults, fewer choices, a smaller flow,
// as long as the same rule breaks. play is what came of c.
func Shrink(t *testing.T, c Case, play Play) (Case, Play) {
	t.Helper()
	s := &shrinker{t: t, rule: play.Broken.Rule, best: c, play: play}
	s.best.Schedule = append(Schedule{}, play.Schedule.trimmed()...) // never nil: that would draw another
	if !s.try(s.best) {
		return c, play // another goroutine was first this time
	}
	for size := -1; size != s.size(); {
		size = s.size()
		s.schedule()
		s.flow()
	}
	return s.best, s.play
}

// shrinker holds the smallest case so far.
type shrinker struct {
	t     *testing.T
	rule  string
	best  Case
	play  Play
	spent int
}

// size is what gets smaller.
func (s *shrinker) size() int {
	n := len(encode(s.best.Spec)) + len(s.best.Schedule)
	for _, c := range s.best.Schedule {
		n += 100 * min(1, int(c.Fault)) // a fault is worth many choices
		n += 10 * min(1, c.Pick)
	}
	return n
}

// try plays a case, and keeps it if the same rule breaks.
func (s *shrinker) try(c Case) bool {
	if s.spent > effort {
		return false
	}
	play := Simulate(s.t, c, nil)
	s.spent += play.Steps
	if play.Broken == nil || play.Broken.Rule != s.rule {
		return false
	}
	s.best, s.play = c, play
	return true
}

// schedule drops choices, then makes them zero, in ever smaller parts.
func (s *shrinker) schedule() {
	edits := []func(part Schedule) Schedule{
		func(Schedule) Schedule { return nil },
		func(part Schedule) Schedule { return make(Schedule, len(part)) },
		func(part Schedule) Schedule {
			calm := slices.Clone(part)
			for i := range calm {
				calm[i].Pick = 0
			}
			return calm
		},
	}
	for _, edit := range edits {
		for size := len(s.best.Schedule); size > 0; size /= 2 {
			for from := 0; from < len(s.best.Schedule); {
				part := s.best.Schedule[from:min(from+size, len(s.best.Schedule))]
				changed := edit(part)
				if slices.Equal(changed, part) {
					from += size
					continue
				}
				c := s.best
				c.Schedule = append(Schedule{}, slices.Concat(s.best.Schedule[:from], changed, s.best.Schedule[from+len(part):]).trimmed()...)
				if !s.try(c) || changed != nil {
					from += size
				}
			}
		}
	}
}

// flow takes away what the flow does not need.
func (s *shrinker) flow() {
	for i := 0; ; i++ {
		c := s.best
		if !simpler(&c, i) {
			return
		}
		if encode(c) == encode(s.best) {
			continue
		}
		if _, err := c.Spec.Build(); err == nil && s.try(c) {
			i-- // what is now in its place may go too
		}
	}
}

// simpler makes the i-th change to a copy of the case; false if there is none.
func simpler(c *Case, i int) bool {
	var spec engine.Spec
	if err := json.Unmarshal([]byte(encode(c.Spec)), &spec); err != nil {
		panic(err)
	}
	c.Spec = spec
	var changes []func()
	for k := range spec.Tasks {
		changes = append(changes, func() { c.Spec = without(spec, spec.Tasks[k].ID) })
	}
	for k := range spec.Groups {
		changes = append(changes, func() { c.Spec = without(spec, spec.Groups[k].ID) })
	}
	for k := range spec.Edges {
		changes = append(changes,
			func() { c.Spec.Edges = slices.Delete(spec.Edges, k, k+1) },
			func() { c.Spec.Edges[k].When = "" })
	}
	for k := range spec.Tasks {
		changes = append(changes, simplerTask(&c.Spec.Tasks[k])...)
	}
	for k := range spec.Groups {
		g := &c.Spec.Groups[k]
		changes = append(changes,
			func() { g.Policy = engine.Policy{} }, func() { g.MaxConcurrency = nil }, func() { g.Supersteps = 0 })
	}
	changes = append(changes,
		func() { c.Spec.Limits.Timeout = 0 }, func() { c.Spec.Limits.MaxCycles = nil }, func() { c.Spec.Limits.MaxSteps = 60 },
		func() { c.Spec.Limits.MaxSteps = max(1, spec.Limits.MaxSteps/2) }, func() { c.Spec.Limits.MaxSteps = max(1, spec.Limits.MaxSteps-1) },
		func() { c.Workers = 1 }, func() { c.Shared = false }, func() { c.Retry = "" }, func() { c.Input = nil })
	if i >= len(changes) {
		return false
	}
	changes[i]()
	return true
}

// simplerTask are changes to a task.
func simplerTask(t *engine.Task) []func() {
	if t.Handler == engine.FlowHandler {
		return simplerFlow(t)
	}
	script := func(change func(*Script)) func() {
		return func() {
			s := scriptOf(t)
			change(&s)
			t.Spec = json.RawMessage(encode(s))
		}
	}
	return []func(){
		script(func(s *Script) { t.Timeout, s.Hang = 0, 0 }),
		func() { t.Retry = nil }, func() { t.Deadline = 0 }, func() { t.QueueTimeout = 0 },
		func() { t.Fallback = "" }, func() { t.Rollback = "" }, func() { t.MaxCycles = nil }, func() { t.Join = "" },
		func() { t.MaxConcurrency = nil }, func() { t.OnError = "" },
		func() { t.Map, t.MaxConcurrency, t.OnError = "", nil, "" },
		script(func(s *Script) { s.Fail, s.Kind, s.Permanent = 0, "", false }),
		script(func(s *Script) { s.Hang = 0 }),
		script(func(s *Script) { s.Read = "" }),
		script(func(s *Script) { s.Write = nil }),
		script(func(s *Script) { s.Write = s.Write[:max(0, len(s.Write)-1)] }),
		script(func(s *Script) { s.Next = nil }),
		script(func(s *Script) { s.Next = s.Next[:max(0, len(s.Next)-1)] }),
		script(func(s *Script) { s.Next = s.Next[min(1, len(s.Next)):] }),
		script(func(s *Script) { s.Iterate, s.Guard = 0, false }),
		script(func(s *Script) { s.Cycle = 0 }),
		script(func(s *Script) { s.Terminate = false }),
		script(func(s *Script) { s.Cancel = false }),
		script(func(s *Script) { s.Pause = nil }),
		script(func(s *Script) { t.Tools, s.Calls = nil, nil }),
		script(func(s *Script) { s.Calls = s.Calls[:max(0, len(s.Calls)-1)] }),
		script(func(s *Script) { s.Calls = s.Calls[min(1, len(s.Calls)):] }),
		script(func(s *Script) { s.Calls = each(s.Calls, func(ids []string) []string { return ids[:1] }) }),
		script(func(s *Script) { s.Calls = each(s.Calls, func(ids []string) []string { return ids[len(ids)-1:] }) }),
	}
}

// simplerFlow are changes to a task that is a flow: it becomes none, or a simpler
// one.
func simplerFlow(t *engine.Task) []func() {
	changes := []func(){
		func() { t.Handler, t.Spec = "sim", json.RawMessage(`{"salt":0}`) },
		func() { t.Retry = nil }, func() { t.Timeout = 0 }, func() { t.Deadline = 0 }, func() { t.QueueTimeout = 0 },
		func() { t.Fallback = "" }, func() { t.Rollback = "" }, func() { t.Map = "" },
	}
	inner := Case{Spec: *flowOf(t)}
	for i := 0; ; i++ {
		c := inner
		if !simpler(&c, i) {
			return changes
		}
		if encode(c.Spec) != encode(inner.Spec) {
			changes = append(changes, func() { t.Spec = json.RawMessage(encode(c.Spec)) })
		}
	}
}

// without is a flow without a node, and without what was in it.
func without(spec engine.Spec, id string) engine.Spec {
	var s engine.Spec
	if err := json.Unmarshal([]byte(encode(spec)), &s); err != nil {
		panic(err)
	}
	gone := map[string]bool{id: true}
	for range s.Groups { // what is in a group that goes, at any depth
		for _, g := range s.Groups {
			for _, m := range g.Members {
				for _, n := range m.Nodes {
					gone[n] = gone[n] || gone[g.ID]
				}
			}
		}
	}
	lost := func(id string) bool { return gone[id] }
	s.Tasks = slices.DeleteFunc(s.Tasks, func(t engine.Task) bool { return gone[t.ID] })
	s.Edges = slices.DeleteFunc(s.Edges, func(e engine.Edge) bool { return gone[e.From] || gone[e.To] })
	s.Start = slices.DeleteFunc(s.Start, lost)
	for i := range s.Groups {
		g := &s.Groups[i]
		for k := range g.Members {
			m := &g.Members[k]
			m.Nodes = slices.DeleteFunc(m.Nodes, lost)
			if gone[m.ID] && len(m.Nodes) > 0 {
				m.ID = m.Nodes[len(m.Nodes)-1]
			}
		}
		g.Members = slices.DeleteFunc(g.Members, func(m engine.Member) bool { return len(m.Nodes) == 0 })
		g.Policy.AtLeast = min(g.Policy.AtLeast, len(g.Members))
		g.Policy.Critical = slices.DeleteFunc(g.Policy.Critical, lost)
		if len(g.Policy.Critical) == 0 {
			g.Policy.Critical = nil
		}
	}
	s.Groups = slices.DeleteFunc(s.Groups, func(g engine.Group) bool { return gone[g.ID] || len(g.Members) == 0 })
	for i := range s.Tasks {
		forget(&s.Tasks[i], gone)
	}
	return s
}

// forget takes a task's references to what is gone.
func forget(t *engine.Task, gone map[string]bool) {
	if gone[t.Fallback] {
		t.Fallback = ""
	}
	if gone[t.Rollback] {
		t.Rollback = ""
	}
	lost := func(id string) bool { return gone[id] }
	t.Tools = slices.DeleteFunc(t.Tools, lost)
	if t.Handler == engine.FlowHandler {
		return
	}
	script := scriptOf(t)
	for i := range script.Calls {
		script.Calls[i] = slices.DeleteFunc(script.Calls[i], lost)
	}
	script.Calls = slices.DeleteFunc(script.Calls, func(ids []string) bool { return len(ids) == 0 })
	script.Next = slices.DeleteFunc(script.Next, func(n engine.NextTask) bool { return gone[n.Task.ID] })
	t.Spec = json.RawMessage(encode(script))
}
