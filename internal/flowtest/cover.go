package flowtest

import (
	"maps"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// Coverage tells which tasks and edges of a flow have been executed. The zero value
// is that of no flow.
type Coverage struct {
	tasks map[string]bool
	edges map[string]bool // FROM -> TO, with the path before both
	order []string        // edges, as the flow has them
	tree  *tree
}

func newCoverage(f *File) Coverage {
	c := Coverage{tasks: map[string]bool{}, edges: map[string]bool{}, tree: f.tree}
	for _, path := range f.tree.paths() {
		c.tasks[path] = false
	}
	c.addEdges(f.tree, "")
	return c
}

func (c *Coverage) addEdges(t *tree, prefix string) {
	for _, e := range t.spec.Edges {
		name := edgeName(prefix, e.From, e.To)
		if _, twice := c.edges[name]; !twice {
			c.order = append(c.order, name)
		}
		c.edges[name] = false
	}
	for _, flow := range slices.Sorted(maps.Keys(t.subs)) {
		c.addEdges(t.subs[flow], prefix+flow+"/")
	}
}

func edgeName(prefix, from, to string) string { return prefix + from + " -> " + prefix + to }

// observe takes a notice; path is that of the task, or of the group, that it is about.
// A notice of what begins says which edges led to it.
func (c *Coverage) observe(path string, n engine.Notice) {
	var from string
	switch n.Type {
	case engine.NoticeTaskReady, engine.NoticeGroupStarted:
		from = n.Why
	case engine.NoticeTaskStarted, engine.NoticeTaskCalled:
		prefix := path[:strings.LastIndexByte(path, '/')+1]
		c.mark(c.tasks, prefix+n.Task) // also a fallback
		return
	default:
		return
	}
	if t := c.tree.task(path); t != nil && t.Handler == engine.FlowHandler {
		c.mark(c.tasks, path) // the engine runs it, and tells of no start
	}
	after, ok := strings.CutPrefix(from, "after ")
	if !ok {
		after, ok = strings.CutPrefix(from, "back edge from ")
	}
	if !ok {
		return
	}
	prefix, to := path[:strings.LastIndexByte(path, '/')+1], path[strings.LastIndexByte(path, '/')+1:]
	for _, id := range strings.Split(after, ", ") {
		c.mark(c.edges, edgeName(prefix, id, to))
	}
}

func (c *Coverage) mark(set map[string]bool, name string) {
	if _, known := set[name]; known {
		set[name] = true
	}
}

// Add adds what another case has executed of the same flow.
func (c *Coverage) Add(other Coverage) {
	if c.tree == nil {
		*c = Coverage{maps.Clone(other.tasks), maps.Clone(other.edges), other.order, other.tree}
		return
	}
	for path, executed := range other.tasks {
		c.tasks[path] = c.tasks[path] || executed
	}
	for name, executed := range other.edges {
		c.edges[name] = c.edges[name] || executed
	}
}

// CoverReport is a coverage in numbers and names.
type CoverReport struct {
	Tasks        int      `json:"tasks"`
	TasksCovered int      `json:"tasks_covered"`
	Edges        int      `json:"edges"`
	EdgesCovered int      `json:"edges_covered"`
	MissedTasks  []string `json:"missed_tasks"`
	MissedEdges  []string `json:"missed_edges"` // as a -> b
}

// Report tells what no case has executed.
func (c *Coverage) Report() CoverReport {
	r := CoverReport{Tasks: len(c.tasks), Edges: len(c.order), MissedTasks: []string{}, MissedEdges: []string{}}
	for _, path := range slices.Sorted(maps.Keys(c.tasks)) {
		if c.tasks[path] {
			r.TasksCovered++
		} else {
			r.MissedTasks = append(r.MissedTasks, path)
		}
	}
	for _, name := range c.order {
		if c.edges[name] {
			r.EdgesCovered++
		} else {
			r.MissedEdges = append(r.MissedEdges, name)
		}
	}
	return r
}
