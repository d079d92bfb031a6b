package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrNotRetryable refuses to retry a run that has nothing to do again.
var ErrNotRetryable = errors.New("there is nothing to do again")

// RetryFrom says where a run that has ended goes on. The zero value is its
// failed and its stopped tasks.
type RetryFrom struct {
	// Task is run again, with all that follows it, whether it succeeded or not.
	Task string
	// Input is the input of Task; nil is the one it had from its edges.
	Input json.RawMessage
}

// retryable tells why a run can't be retried so; nil if it can.
func (r *Run) retryable(from RetryFrom) error {
	if r.status == StatusRunning || r.status == StatusPending {
		return fmt.Errorf("run %q is %s: %w", r.id, r.Outcome().Status, ErrNotRetryable)
	}
	if from.Task == "" {
		switch {
		case from.Input != nil:
			return fmt.Errorf("run %q: an input is for one task: name it: %w", r.id, ErrNotRetryable)
		case r.status == StatusSucceeded || len(r.root.broken) == 0 && r.blocked.size == 0:
			return fmt.Errorf("run %q has %s and no task of it failed; name a task from which to go on: %w", r.id, r.status, ErrNotRetryable)
		}
		return nil
	}
	v, ok := r.vertexOf(from.Task)
	switch {
	case !ok:
		return fmt.Errorf("run %q has no task %q: %w", r.id, from.Task, ErrNotRetryable)
	case r.vertices[v].parent >= 0:
		return fmt.Errorf("run %q: task %q is inside group %q, which starts as a whole; name the group: %w", r.id, from.Task, r.vertices[r.vertices[v].parent].id, ErrNotRetryable)
	case r.nodes[v].visits == 0:
		return fmt.Errorf("run %q: task %q has not run: %w", r.id, from.Task, ErrNotRetryable)
	case from.Input == nil && len(r.vertices[v].in) == 0 && !slices.Contains(r.graph.starts, v):
		return fmt.Errorf("run %q: task %q was asked for by another, and its input is not known any more; give one: %w", r.id, from.Task, ErrNotRetryable)
	}
	return nil
}

// retried lets a run that has ended go on.
func (r *Run) retried(e *Event) bool {
	if r.retryable(RetryFrom{e.Task, e.Input}) != nil {
		return false
	}
	r.status, r.verdict = StatusRunning, nil
	r.earlier, r.since = r.steps, e.Time
	r.retries++
	r.note(Notice{Type: NoticeRunRetried, Message: e.Task})
	r.root.live++ // held until all is in
	if e.Task != "" {
		v, _ := r.vertexOf(e.Task)
		r.rerun(v, e.Input)
	}
	r.reopen(r.root)
	r.beginBlocked()
	r.ended(r.root)
	return true
}

// reopen does again what of a scope did not end well: first what was under way,
// then what could not follow or begin.
func (r *Run) reopen(s *scope) {
	todo := s.broken
	s.broken, s.err, s.done, s.cut = nil, nil, false, false
	for _, b := range todo {
		if b.group != nil && !b.passed { // what asks for it meanwhile waits
			r.nodes[b.group.vertex].group = b.group
		}
	}
	for _, b := range todo {
		if b.underWay() {
			r.redo(s, b)
		}
	}
	for _, b := range todo {
		if !b.underWay() {
			r.redo(s, b)
		}
	}
}

// underWay tells that it had begun, and had not ended.
func (b broken) underWay() bool { return b.done == nil && b.again == nil && !b.passed }

func (r *Run) redo(s *scope, b broken) {
	switch {
	case r.verdict != nil || s.stopping(): // what was done before has failed again
		s.breakOff(b)
		if b.group != nil && !b.passed {
			r.nodes[b.group.vertex].group = nil
		}
	case b.done != nil && b.done.Effects.Terminate != nil:
		r.terminate(b.act, b.done)
	case b.done != nil:
		s.live++
		r.follow(b.act, b.done)
		r.ended(s)
	case b.passed:
		s.live++
		r.groupFollows(b.group)
		r.ended(s)
	case b.group != nil:
		r.reopenGroup(b.group)
	case b.again != nil && b.act != nil:
		r.iterateItem(b.act, b.again.input)
	case b.again != nil:
		r.nodes[b.again.vertex].expect = false
		r.jump(s, *b.again)
	case b.act.sub != nil:
		s.live++
		r.reopenFlow(b.act)
	default:
		s.live++
		r.chain(b.act)
		b.act.stopping, b.act.retrying, b.act.timing = false, false, nil
		if b.act.sent { // else it never began
			b.act.earlier = b.act.attempt
			b.act.attempt++
		}
		r.begin(b.act, "the run was retried")
	}
}

// beginBlocked begins what was ready beyond max_steps, and the timers of sub-flows
// that had not ended.
func (r *Run) beginBlocked() {
	for _, act := range r.inOrder() {
		if act.flows() {
			act.run.timeDeadline(act)
			act.run.timeFlow(act)
		}
	}
	for _, act := range r.blocked.take() {
		if act.run.verdict != nil || act.scope.stopping() {
			r.blocked.add(act)
			continue
		}
		act.stopping = false
		act.run.begin(act, "the run was retried")
	}
}

// chain finds where an activation's chain ends by now.
func (r *Run) chain(act *activation) {
	if act.gen != r.gen {
		act.rev = 0
	}
	act.rev = max(act.rev, r.stale[act.id])
}

// reopenGroup goes on with a group: members that had succeeded stay so.
func (r *Run) reopenGroup(g *groupRun) {
	g.scope.live++
	g.verdict, g.holding, g.expired = Undecided, true, false
	r.nodes[g.vertex].group = g
	r.timeGroup(g)
	r.note(Notice{Type: NoticeGroupStarted, Task: g.name, Activation: g.act.id, Group: g.scope.groupName(), Why: "the run was retried", Total: float64(len(g.members))})
	for _, m := range g.members[:g.next] {
		if m.err == nil && !m.cut {
			continue
		}
		if m.err != nil {
			g.failed--
		}
		g.active++
		m.live++
		r.reopen(m)
		r.ended(m)
	}
	r.startMembers(g)
	g.holding = false
	r.judge(g)
}

// rerun activates a vertex again, and puts all that it leads to in play. What
// had not ended well there, or not at all, is not done twice.
func (r *Run) rerun(v int32, input json.RawMessage) {
	after := r.after(v)
	kept := r.root.broken[:0]
	for _, b := range r.root.broken {
		if !after[b.vertex()] {
			kept = append(kept, b)
		}
	}
	r.root.broken = kept
	for to := range after {
		r.root.results = r.root.results.set(to, nil)
		r.nodes[to].deferred = nil
		if int(to) >= len(r.graph.vertices) {
			r.nodes[to].born = math.MaxUint64 // to be asked for anew
		}
	}
	r.dropLive(after)
	a := arrival{vertex: v, input: input, override: input != nil, given: input != nil, why: "the run was retried from here"}
	if input == nil && len(r.vertices[v].in) == 0 {
		a.input, a.override = r.input, true
	}
	r.expose([]int32{v})
	r.activate(r.root, a)
}

// dropLive takes off what is live, at max_steps, in the vertices given.
func (r *Run) dropLive(vertices map[int32]bool) {
	for _, act := range r.inOrder() {
		top := act.atTop()
		if !vertices[top.vertex] {
			continue
		}
		delete(r.live, act.id)
		r.blocked.remove(act)
		if act.flows() {
			r.flows--
		}
		switch n := &r.nodes[top.vertex]; {
		case top == act && act.scope == r.root:
			r.root.live--
		case n.group != nil && top == n.group.act:
			r.untimeGroup(n.group)
			n.group = nil
			r.root.live--
		}
	}
}

// atTop is the activation of the whole run that an activation is, or is in.
func (act *activation) atTop() *activation {
	for {
		switch {
		case act.scope.group != nil:
			act = act.scope.group.act
		case act.run.outer != nil:
			act = act.run.outer
		default:
			return act
		}
	}
}

// vertex is where it happened.
func (b broken) vertex() int32 {
	switch {
	case b.group != nil:
		return b.group.vertex
	case b.act != nil:
		return b.act.vertex
	}
	return b.again.vertex
}

// after are a vertex and all that its edges lead to, tasks that were added there
// included.
func (r *Run) after(v int32) map[int32]bool {
	seen := map[int32]bool{}
	r.reachable(v, seen)
	for to := len(r.graph.vertices); to < len(r.vertices); to++ { // a caller comes before who it asked for
		if seen[r.nodes[to].by] && r.vertices[to].parent < 0 {
			r.reachable(int32(to), seen)
		}
	}
	return seen
}

func (r *Run) reachable(v int32, seen map[int32]bool) {
	seen[v] = true
	for work := []int32{v}; len(work) > 0; {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		for _, ei := range r.vertices[at].out {
			if e := &r.graph.edges[ei]; !e.back && !seen[e.to] {
				seen[e.to] = true
				work = append(work, e.to)
			}
		}
	}
}
