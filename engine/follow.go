package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// stopping tells that nothing may start in the scope any more.
func (s *scope) stopping() bool {
	for ; s.group != nil; s = s.parent {
		if s.err != nil || s.done || s.group.verdict != Undecided {
			return true
		}
	}
	return false
}

// follow starts what comes after a completed activation: tasks it asked for,
// another iteration, or its successors.
func (r *Run) follow(act *activation, e *Event) {
	fx := &e.Effects
	after := act.vertex
	if act.isItem {
		after = noVertex // its map's edges wait for all items
	}
	if len(fx.Next) == 0 && fx.Iterate == nil { // the usual case
		r.release(act.scope, after, e.Alive, act.holder)
		return
	}
	h := &holder{parent: act.holder, vertex: after, alive: e.Alive, scope: act.scope}
	targets, jump := r.targets(act, fx.Next)
	if jump && !act.isItem {
		r.killSuccessors(act.scope, act.vertex)
	}
	for _, t := range targets {
		a := arrival{vertex: t.vertex, input: t.next.Input, override: true, given: t.next.Input != nil, cause: causeJump, why: "asked for by " + act.id}
		if !a.given {
			a.input = e.Value
		}
		if t.added {
			a.cause = causeEdge
		}
		if t.added && !jump {
			a.holder = h
			h.open++
		}
		r.jump(act.scope, a)
	}
	switch {
	case jump:
		r.releaseHolder(act.holder)
	case fx.Iterate != nil:
		r.iterate(act, fx.Iterate, h)
	case h.open == 0:
		r.release(act.scope, after, e.Alive, act.holder)
	}
}

// noVertex stands where no edges follow.
const noVertex int32 = -1

// target is a task that another asked for.
type target struct {
	vertex int32
	next   *NextTask
	added  bool // by this very activation, or one beside it
}

// targets finds or adds the tasks asked for, in call order, and tells whether
// any is a goto. Existing is what was there when the caller became ready.
func (r *Run) targets(act *activation, next []NextTask) (all []target, jump bool) {
	for i := range next {
		n := &next[i]
		t := target{next: n}
		v, exists := r.reach(act.scope, n.Task.ID)
		if !exists && n.Task.Handler == "" { // a reference, to what is elsewhere
			v, exists = r.vertexOf(n.Task.ID)
		}
		t.added = !exists || r.nodes[v].born > act.since
		if t.vertex = v; !exists || t.added && n.Task.Handler != "" && !reflect.DeepEqual(*r.vertices[v].task, n.Task) {
			t.vertex = r.addVertex(n.Task, act)
			if exists {
				r.nodes[t.vertex].visits = r.nodes[v].visits
			}
		}
		jump = jump || n.Goto || !t.added
		all = append(all, t)
	}
	return all, jump
}

// iterate activates the same task again; its successors, and those of a task
// that waits for it, are held until an iteration ends without another.
func (r *Run) iterate(act *activation, it *Iteration, h *holder) {
	data := it.Data
	if data == nil {
		data = json.RawMessage("null")
	}
	a := arrival{vertex: act.vertex, input: data, override: true, given: true, cause: causeJump, why: "iteration", holder: act.holder}
	if h.open > 0 {
		// Tasks added by an iteration need not hold the next one, only the end.
		h.vertex = noVertex
	}
	if act.isItem {
		r.iterateItem(act, data)
		return
	}
	if g := act.scope.group; g != nil && !g.isMap() {
		act.scope.iterate = &a
		return
	}
	r.activate(act.scope, a)
}

// release resolves the outgoing edges of a vertex whose activation has ended.
func (r *Run) release(s *scope, v int32, alive []bool, up *holder) {
	if v != noVertex && !r.nodes[v].expect { // else a later visit is on its way and will do it
		r.resolveOut(s, v, alive)
	}
	r.releaseHolder(up)
}

func (r *Run) resolveOut(s *scope, v int32, alive []bool) {
	for i, e := range r.vertices[v].out {
		if alive == nil || i < len(alive) && alive[i] {
			r.arrive(s, e)
		} else {
			r.kill(s, e)
		}
	}
}

// releaseHolder counts one added task as ended; the last lets the successors of
// the task that added it go.
func (r *Run) releaseHolder(h *holder) {
	if h == nil {
		return
	}
	if h.open--; h.open == 0 {
		r.release(h.scope, h.vertex, h.alive, h.parent)
	}
}

// addVertex adds a task to the run's overlay, in its caller's scope.
func (r *Run) addVertex(t Task, by *activation) int32 {
	v, at := int32(len(r.vertices)), by.scope.in(t.ID)
	r.addFlow(v, &t)
	r.vertices = append(r.vertices, vertex{id: t.ID, task: &t, parent: at.parent, member: int32(at.member)})
	r.nodes = append(r.nodes, node{born: r.tick, by: by.vertex})
	if r.overlay == nil {
		r.overlay = map[place]int32{}
	}
	r.overlay[at] = v
	return v
}

// jump activates a vertex from outside its edges. One outside the caller's
// group waits for the barrier, and takes the group's successors' place.
func (r *Run) jump(s *scope, a arrival) {
	v := &r.vertices[a.vertex]
	inScope := s.group == nil && v.parent < 0 || s.group != nil && v.parent == s.group.vertex && int(v.member) == s.member
	if !inScope && s.group != nil {
		s.group.jumps = append(s.group.jumps, a)
		return
	}
	if !inScope {
		r.failJump(s, a)
		return
	}
	r.expose([]int32{a.vertex})
	r.activate(s, a)
}

func (r *Run) failJump(s *scope, a arrival) {
	v := &r.vertices[a.vertex]
	s.refuse(a)
	r.failScope(s, &TaskError{Kind: KindInvalidInput, Task: v.id, Message: fmt.Sprintf("goto %q: it is inside group %q, which starts as a whole; go to the group", v.id, r.vertices[v.parent].id)})
}

// expose puts all that the given vertices lead to in play: its edges are
// pending, it will be started or skipped.
func (r *Run) expose(from []int32) {
	work := append([]int32(nil), from...)
	for len(work) > 0 {
		v := work[len(work)-1]
		work = work[:len(work)-1]
		for _, ei := range r.vertices[v].out {
			e := &r.graph.edges[ei]
			if e.back || r.edges[ei] == edgePending {
				continue
			}
			n := &r.nodes[e.to]
			if r.edges[ei] == edgeAlive {
				n.alive--
			}
			r.edges[ei] = edgePending
			n.unresolved++
			if !n.expect {
				n.expect, n.fired = true, false
				work = append(work, e.to)
			}
		}
	}
}

// arrive satisfies an edge.
func (r *Run) arrive(s *scope, ei int32) {
	e := &r.graph.edges[ei]
	if e.back {
		r.expose([]int32{e.to})
		input := s.value(e.from)
		r.activate(s, arrival{vertex: e.to, input: input, override: true, cause: causeJump, why: "back edge from " + r.vertices[e.from].id})
		return
	}
	n := &r.nodes[e.to]
	switch r.edges[ei] {
	case edgePending:
		n.unresolved--
		n.alive++
	case edgeAlive:
	default:
		n.alive++
	}
	r.edges[ei] = edgeAlive
	r.join(s, e.to)
}

// kill resolves an edge that will not be satisfied, and all that follows.
func (r *Run) kill(s *scope, ei int32) {
	e := &r.graph.edges[ei]
	if e.back {
		return
	}
	if r.edges[ei] != edgePending {
		return
	}
	r.edges[ei] = edgeDead
	r.nodes[e.to].unresolved--
	r.join(s, e.to)
}

func (r *Run) killSuccessors(s *scope, v int32) {
	for _, e := range r.vertices[v].out {
		r.kill(s, e)
	}
}

// join starts or skips a vertex when its edges say so. Skipping is a loop, not
// a recursion: a dead chain may be as long as the graph.
func (r *Run) join(s *scope, v int32) {
	work := []int32{v}
	if r.nodes[v].unresolved > 0 && !r.vertices[v].joinAny() {
		return
	}
	for len(work) > 0 {
		v := work[0]
		work = work[1:]
		n := &r.nodes[v]
		switch {
		case r.vertices[v].joinAny() && n.alive > 0 && !n.fired:
			n.fired = n.unresolved > 0 // the others of this round start nothing
		case n.unresolved > 0:
			continue
		case n.fired: // join any, its round is over
			n.fired = false
			continue
		case n.alive == 0:
			if n.expect {
				work = append(work, r.skip(v)...)
			}
			continue
		}
		n.expect = false // join any: what is still unresolved counts no more
		r.activate(s, arrival{vertex: v, why: r.reason(v)})
	}
}

// skip marks a vertex as skipped and returns those that its dead edges decide.
func (r *Run) skip(v int32) []int32 {
	r.nodes[v].expect = false
	if r.observed {
		vx := &r.vertices[v]
		r.note(Notice{Type: NoticeTaskSkipped, Task: vx.id, Activation: vx.id, Handler: handlerName(vx.task), Status: StatusSkipped, Why: r.reason(v)})
	}
	var next []int32
	for _, ei := range r.vertices[v].out {
		if r.edges[ei] == edgePending {
			to := r.graph.edges[ei].to
			r.edges[ei] = edgeDead
			if r.nodes[to].unresolved--; r.nodes[to].unresolved == 0 {
				next = append(next, to)
			}
		}
	}
	return next
}

// reason tells which edges started a vertex, or why none did.
func (r *Run) reason(v int32) string {
	if !r.observed {
		return ""
	}
	alive, dead := "", ""
	for _, ei := range r.vertices[v].in {
		e := &r.graph.edges[ei]
		if e.back {
			continue
		}
		from := r.vertices[e.from].id
		switch {
		case r.edges[ei] == edgeAlive:
			alive += ", " + from
		case e.when != nil && r.root.results.get(e.from) != nil:
			dead += fmt.Sprintf(", %s did not satisfy %q", from, e.when.text)
		default:
			dead += fmt.Sprintf(", %s was skipped or went elsewhere", from)
		}
	}
	if alive != "" {
		return "after " + alive[2:]
	}
	if dead != "" {
		return dead[2:]
	}
	return ""
}

// value is the result of a vertex as the scope sees it; nil is none.
func (s *scope) value(v int32) json.RawMessage {
	if res := s.results.get(v); res != nil && res.err == nil {
		return res.value
	}
	return nil
}
