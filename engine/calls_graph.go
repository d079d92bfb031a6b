package engine

import (
	"fmt"
	"slices"
	"strconv"
)

// calling is the graph of tasks that are called at once: a group of them, which no
// failure ends, and the tasks that they lead to by name.
func (g *Graph) calling(batch string, calls []TaskCall) (*Graph, error) {
	called, err := g.called(calls)
	if err != nil {
		return nil, err
	}
	behind := g.behind(called)
	taken := map[string]int{}
	for _, t := range behind {
		taken[t.ID] = 2
	}
	s := Spec{Name: g.spec.Name, Limits: g.spec.Limits, Groups: []Group{{ID: free(batch, taken), Policy: Policy{BestEffort: true}}}}
	s.Limits.Timeout = 0
	s.Groups[0].Members = make([]Member, 0, len(calls))
	s.Tasks = make([]Task, 0, len(calls)+len(behind))
	for i, t := range called {
		place := *t
		place.ID = free(calls[i].ID, taken)
		s.Tasks = append(s.Tasks, place)
		s.Groups[0].Members = append(s.Groups[0].Members, Member{ID: place.ID, Nodes: []string{place.ID}})
	}
	for _, t := range behind {
		place := *t
		place.With, place.Params = nil, nil // they may name tasks that are not here, and are read when it runs
		s.Tasks = append(s.Tasks, place)
	}
	all, err := s.build(1)
	if err != nil {
		return nil, err
	}
	for i, t := range append(called, behind...) { // under its own name, which its handler may go by
		all.vertices[i].task = t
	}
	return all, nil
}

// called are the tasks of calls, without what would make their input.
func (g *Graph) called(calls []TaskCall) ([]*Task, error) {
	all := make([]*Task, len(calls))
	byID := map[string]*Task{}
	for i, c := range calls {
		t := c.Task
		switch {
		case t == nil && byID[c.ID] != nil:
			all[i] = byID[c.ID]
			continue
		case t == nil:
			t = g.plainTask(c.ID)
		}
		if t == nil {
			return nil, fmt.Errorf("call of %q: no plain task of that name", c.ID)
		}
		one := *t
		one.With, one.Params = nil, nil
		all[i] = &one
		if c.Task == nil {
			byID[c.ID] = &one
		}
	}
	return all, nil
}

// behind are the tasks of the graph that others name, and those that these name.
func (g *Graph) behind(tasks []*Task) []*Task {
	var all []*Task
	seen := map[string]bool{}
	work := slices.Clone(tasks)
	for len(work) > 0 {
		t := work[0]
		work = work[1:]
		for _, id := range t.named() {
			if other := g.plainTask(id); other != nil && !seen[id] {
				seen[id] = true
				all, work = append(all, other), append(work, other)
			}
		}
	}
	return all
}

// named are the tasks that stand by for t.
func (t *Task) named() []string {
	all := slices.Clone(t.Tools)
	for _, id := range []string{t.Fallback, t.Rollback} {
		if id != "" {
			all = append(all, id)
		}
	}
	return all
}

// free is the id, or the first one made of it that is not taken, and takes it. taken
// has the number to be tried next for each.
func free(id string, taken map[string]int) string {
	if taken[id] == 0 {
		taken[id] = 2
		return id
	}
	for i := taken[id]; ; i++ {
		if name := id + "-" + strconv.Itoa(i); taken[name] == 0 {
			taken[id], taken[name] = i+1, 2
			return name
		}
	}
}

// tools are the tasks that t may call.
func (g *Graph) tools(t *Task) []*Task {
	var all []*Task
	for _, id := range t.Tools {
		if tool := g.plainTask(id); tool != nil {
			all = append(all, tool)
		}
	}
	return all
}

// plainTask is a task of the graph that is no map; nil if there is none.
func (g *Graph) plainTask(id string) *Task {
	v, ok := g.index[id]
	if !ok || g.vertices[v].isGroup() || g.vertices[v].task.Map != "" {
		return nil
	}
	return g.vertices[v].task
}
