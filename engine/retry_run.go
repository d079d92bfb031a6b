package engine

import (
	"encoding/json"
	"errors"
	"fmt"
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
		case r.status == StatusSucceeded || len(r.root.broken) == 0 && len(r.blocked) == 0:
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
		s.broken, s.cut = append(s.broken, b), true
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
		r.jump(s, *b.again)
	case b.act.sub != nil:
		s.live++
		r.reopenFlow(b.act)
	default:
		s.live++
		r.chain(b.act)
		b.act.stopping, b.act.retrying = false, false
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
	blocked := r.blocked
	r.blocked = nil
	for _, act := range r.inOrder() {
		if act.flows() {
			act.run.timeFlow(act)
		}
	}
	for _, act := range blocked {
		if act.run.verdict != nil || act.scope.stopping() {
			r.blocked = append(r.blocked, act)
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
	g.verdict, g.holding = Undecided, true
	r.nodes[g.vertex].group = g
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
// had not ended well there is not done twice.
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
	}
	a := arrival{vertex: v, input: input, override: input != nil, given: input != nil, why: "the run was retried from here"}
	if input == nil && len(r.vertices[v].in) == 0 {
		a.input, a.override = r.input, true
	}
	r.expose([]int32{v})
	r.activate(r.root, a)
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

// after are a vertex and all that its edges lead to.
func (r *Run) after(v int32) map[int32]bool {
	seen := map[int32]bool{v: true}
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
	return seen
}
