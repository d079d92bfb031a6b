package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/term"
)

// row is one line of the tree: a task, a group, or a map with its counter.
type row struct {
	id          string
	depth       int
	status      engine.Status // "" is not started
	started     time.Time
	ended       time.Time
	attempt     int
	cycle       int
	isMap       bool
	isTool      bool // it is only called, any number of times
	done, total int  // of a map or a tool
	failed      int  // likewise
	note        string
}

// tree is the state of a run as rows, in the order of the graph.
type tree struct {
	rows  []*row
	index map[string]*row
}

// newTree makes a tree of a graph's nodes. Without one, they come as they begin.
func newTree(g *engine.Graph) *tree {
	t := &tree{index: map[string]*row{}}
	if g == nil {
		return t
	}
	spec := g.Spec()
	parents := parentsOf(spec)
	for _, task := range spec.Tasks {
		t.place(task.ID, parents).isMap = task.Map != ""
	}
	for _, task := range spec.Tasks {
		for _, id := range task.Tools {
			if r := t.index[id]; r != nil {
				r.isTool = !onEdge(spec, id) && parents[id] == ""
			}
		}
	}
	return t
}

func onEdge(spec engine.Spec, id string) bool {
	return slices.ContainsFunc(spec.Edges, func(e engine.Edge) bool { return e.From == id || e.To == id })
}

// parentsOf maps each member's nodes to their group.
func parentsOf(spec engine.Spec) map[string]string {
	parents := map[string]string{}
	for _, group := range spec.Groups {
		for _, member := range group.Members {
			for _, id := range member.Nodes {
				parents[id] = group.ID
			}
		}
	}
	return parents
}

// place adds a row below that of its group, which it adds first if need be.
func (t *tree) place(id string, parents map[string]string) *row {
	if r, ok := t.index[id]; ok {
		return r
	}
	r := &row{id: id}
	t.index[id] = r
	group, ok := parents[id]
	if !ok {
		t.rows = append(t.rows, r)
		return r
	}
	parent := t.place(group, parents)
	r.depth = parent.depth + 1
	t.insertBelow(parent, r)
	return r
}

// insertBelow puts r after the last row that is below parent.
func (t *tree) insertBelow(parent, r *row) {
	at := 0
	for i, other := range t.rows {
		if other == parent {
			at = i + 1
			for at < len(t.rows) && t.rows[at].depth > parent.depth {
				at++
			}
		}
	}
	t.rows = append(t.rows[:at], append([]*row{r}, t.rows[at:]...)...)
}

// Observe changes the row that a notice is about.
func (t *tree) Observe(n engine.Notice) {
	if m := t.index[n.Group]; m != nil && m.isMap && n.Activation != n.Group {
		m.item(n)
		return
	}
	id := n.Task
	if id == "" {
		id = n.Group
	}
	if id == "" {
		return
	}
	r := t.index[id]
	if r == nil { // made at run time
		parents := map[string]string{}
		if n.Group != "" && n.Group != id {
			parents[id] = n.Group
		}
		r = t.place(id, parents)
	}
	if r.isTool {
		r.call(n)
		return
	}
	r.take(n)
}

// call counts one call of a tool, whose row shows all of them.
func (r *row) call(n engine.Notice) {
	idle := r.done == r.total
	r.item(n)
	switch {
	case n.Type == engine.NoticeTaskStarted, n.Type == engine.NoticeTaskReady && !idle:
	case n.Type == engine.NoticeTaskReady:
		r.take(n)
		r.ended = time.Time{}
	case r.done == r.total || !endings[n.Type]: // else others are still at work
		r.take(n)
	}
}

// endings are the notices that end an activation.
var endings = map[engine.NoticeType]bool{
	engine.NoticeTaskSucceeded: true, engine.NoticeTaskFailed: true, engine.NoticeTaskCanceled: true,
}

// item counts one item of a map.
func (r *row) item(n engine.Notice) {
	switch n.Type {
	case engine.NoticeTaskReady:
		r.total++
	case engine.NoticeTaskStarted:
		r.begin(n)
	case engine.NoticeTaskSucceeded:
		r.done++
	case engine.NoticeTaskFailed, engine.NoticeTaskCanceled:
		r.done++
		r.failed++
	}
}

func (r *row) begin(n engine.Notice) {
	if r.started.IsZero() || r.status != engine.StatusRunning && !r.isMap {
		r.started = n.Time
	}
	r.status, r.ended = engine.StatusRunning, time.Time{}
}

// take changes a row that is not an item.
func (r *row) take(n engine.Notice) {
	switch n.Type {
	case engine.NoticeTaskReady:
		r.status = engine.StatusPending
	case engine.NoticeTaskStarted, engine.NoticeGroupStarted:
		r.begin(n)
		r.attempt, r.cycle, r.note = n.Attempt, n.Cycle, ""
	case engine.NoticeTaskProgress:
		r.note = progressNote(n)
	case engine.NoticeTaskRetrying:
		r.status, r.note = engine.StatusRetrying, errorText(n)
	case engine.NoticeTaskCalled:
		r.note = pauseText(n)
	case engine.NoticeTaskPaused:
		r.status, r.note = engine.StatusPaused, pauseText(n)
	case engine.NoticeTaskResumed:
		if r.note = pauseText(n); n.Total == 0 { // else it has been at work all the time
			r.status = engine.StatusPending
		}
	case engine.NoticeTaskSucceeded:
		r.end(n, engine.StatusSucceeded, "")
	case engine.NoticeTaskFailed:
		r.end(n, engine.StatusFailed, errorText(n))
	case engine.NoticeTaskCanceled:
		r.end(n, engine.StatusCanceled, "")
	case engine.NoticeTaskSkipped:
		r.end(n, engine.StatusSkipped, "")
	case engine.NoticeGroupFinished:
		r.end(n, n.Status, "")
	}
}

func (r *row) end(n engine.Notice, status engine.Status, note string) {
	r.status, r.ended, r.note = status, n.Time, note
}

func progressNote(n engine.Notice) string {
	text := oneLine(n.Message)
	if n.Total > 0 {
		text = strings.TrimSpace(fmt.Sprintf("%.0f%% %s", 100*n.Done/n.Total, text))
	}
	return text
}

// line is the row as text of at most width columns.
func (r *row) line(now time.Time, width int, out *term.Output) string {
	look := term.StatusOf(string(r.status))
	parts := []string{oneLine(r.id)}
	if r.isMap && r.total > 0 || r.isTool && r.total > 1 {
		parts = append(parts, fmt.Sprintf("%d/%d", r.done, r.total))
	}
	if r.failed > 0 {
		parts = append(parts, fmt.Sprintf("(%d failed)", r.failed))
	}
	if !r.started.IsZero() {
		end := r.ended
		if end.IsZero() {
			end = now
		}
		parts = append(parts, roundDuration(max(0, end.Sub(r.started))).String())
	}
	if r.attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", r.attempt))
	}
	if r.cycle > 1 {
		parts = append(parts, fmt.Sprintf("cycle %d", r.cycle))
	}
	indent := strings.Repeat("  ", r.depth)
	text := cut(indent+look.Mark+" "+strings.TrimSpace(strings.Join(parts, " ")+" "+r.note), width)
	if rest, ok := strings.CutPrefix(text, indent+look.Mark); ok && r.asItShould() {
		return indent + out.Paint(look.Look, look.Mark) + rest
	}
	return out.Paint(look.Look, text)
}

// asItShould tells of a row that needs nobody's attention: its mark alone is in color.
func (r *row) asItShould() bool {
	return r.status == engine.StatusRunning || r.status == engine.StatusSucceeded
}

// lines are the rows that fit into height, those in motion first to stay.
func (t *tree) lines(now time.Time, width, height int, out *term.Output) []string {
	rows := t.rows
	hidden := 0
	if len(rows) > height {
		rows, hidden = t.moving(height - 1)
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, r.line(now, width, out))
	}
	if hidden > 0 {
		lines = append(lines, cut(fmt.Sprintf("… and %d more", hidden), width))
	}
	return lines
}

// moving are at most n rows: those that run or failed, then the others, in
// order; and how many are left out.
func (t *tree) moving(n int) (rows []*row, hidden int) {
	keep := map[*row]bool{}
	pick := func(wanted func(*row) bool) {
		for _, r := range t.rows {
			if len(keep) < n && wanted(r) {
				keep[r] = true
			}
		}
	}
	pick(func(r *row) bool {
		return r.status == engine.StatusRunning || r.status == engine.StatusRetrying || r.status == engine.StatusPaused
	})
	pick(func(r *row) bool { return r.status == engine.StatusFailed })
	pick(func(*row) bool { return true })
	for _, r := range t.rows {
		if keep[r] {
			rows = append(rows, r)
		}
	}
	return rows, len(t.rows) - len(rows)
}
