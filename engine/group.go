package engine

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// GroupPolicy decides whether a group has succeeded. Decide is a pure function
// of its argument; it is asked after every member that ends.
type GroupPolicy interface {
	Decide(p GroupProgress) Verdict
}

// GroupProgress is how a group stands.
type GroupProgress struct {
	Members   []string // ids, in order of declaration
	Succeeded []string
	Failed    []string
}

// Ended tells whether every member has ended.
func (p GroupProgress) Ended() bool { return len(p.Succeeded)+len(p.Failed) == len(p.Members) }

// Verdict is a policy's answer. At the last member's end undecided counts as
// fail.
type Verdict uint8

// Verdicts. Fail stops the members that still run; Pass is final only when all
// members have ended, so their results are complete.
const (
	Undecided Verdict = iota
	Pass
	Fail
)

// groupRun is one activation of a group or of a map.
type groupRun struct {
	act     *activation
	vertex  int32
	name    string
	scope   *scope // where the group stands
	members []*scope
	items   []json.RawMessage // of a map
	mapTask *Task
	next    int  // the first member that has not started
	active  int  // members that have started and not ended
	holding bool // members are being started: the group does not end meanwhile
	failed  int
	verdict Verdict
	jumps   []arrival
	round   int
	channel values // of a map: what its items read, as it began
	results results
	holder  *holder
	expires time.Time // zero: never
	expired bool
}

func (g *groupRun) isMap() bool { return g.mapTask != nil }

func (r *Run) startGroup(act *activation, why string) {
	v := &r.vertices[act.vertex]
	g := &groupRun{act: act, vertex: act.vertex, name: v.id, scope: act.scope, holder: act.holder, round: 1}
	for m := range v.group.Members {
		g.members = append(g.members, r.newMember(g, m))
	}
	if r.calls != nil {
		r.batch = g
	}
	r.openGroup(g, why)
}

func (r *Run) newMember(g *groupRun, m int) *scope {
	return &scope{parent: g.scope, group: g, member: m, prefix: g.act.id + "/", channel: g.scope.channel, results: g.scope.results}
}

func (r *Run) openGroup(g *groupRun, why string) {
	r.nodes[g.vertex].group = g
	r.noteGroup(g, Notice{Type: NoticeGroupStarted, Task: g.name, Activation: g.act.id, Group: g.scope.groupName(), Why: why, Total: float64(len(g.members))})
	r.timeGroup(g)
	g.holding = true
	r.reserve(r.atOnce(g))
	r.startMembers(g)
	g.holding = false
	r.judge(g)
}

// noteGroup tells of a group, unless it is of calls: their caller tells of them.
func (r *Run) noteGroup(g *groupRun, n Notice) {
	if g != r.batch {
		r.note(n)
	}
}

// atOnce is how many members may run at the same time.
func (r *Run) atOnce(g *groupRun) int {
	if n := r.concurrency(g); n != nil {
		return min(*n, len(g.members))
	}
	return len(g.members)
}

// reserve makes room for n activations that begin at the same time, so that it need not
// grow again and again while they do.
func (r *Run) reserve(n int) {
	r.commands = slices.Grow(r.commands, n)
	if n > len(r.live) {
		live := make(map[string]*activation, n+len(r.live))
		maps.Copy(live, r.live)
		r.live = live
	}
}

// startMembers starts as many as max_concurrency allows.
func (r *Run) startMembers(g *groupRun) {
	limit := r.atOnce(g)
	for g.next < len(g.members) && g.active < limit && g.verdict == Undecided && r.verdict == nil && !g.scope.stopping() {
		m := g.next
		g.next++
		g.active++
		r.startMember(g, m)
	}
}

func (r *Run) concurrency(g *groupRun) *int {
	if g.isMap() {
		return g.mapTask.MaxConcurrency
	}
	return r.vertices[g.vertex].group.MaxConcurrency
}

func (r *Run) startMember(g *groupRun, m int) {
	if g.isMap() {
		r.startItem(g, m)
		return
	}
	s := g.members[m]
	s.live++
	starts := r.vertices[g.vertex].starts[m]
	for _, id := range r.vertices[g.vertex].group.Members[m].Nodes {
		v, _ := r.vertexOf(id)
		r.nodes[v].visits = 0 // counted within this activation of the group
	}
	r.expose(starts)
	a := arrival{input: g.act.input, override: true, given: g.act.given, why: "member of " + g.act.id}
	if r.calls != nil {
		a.input, a.given, a.why = r.calls[m].Input, true, "called by "+r.outer.id
	}
	for _, v := range starts {
		a.vertex = v
		r.activate(s, a)
	}
	r.ended(s)
}

// memberEnded counts a member in which nothing is live any more.
func (r *Run) memberEnded(s *scope) {
	if s.done {
		return
	}
	s.done = true
	g := s.group
	g.active--
	if g.verdict == Undecided && r.verdict == nil {
		r.startMembers(g)
	}
	r.judge(g)
}

// judge asks the policy how the group stands, and ends it when nothing in it is
// live any more.
func (r *Run) judge(g *groupRun) {
	if g.verdict == Undecided && r.decide(g) == Fail {
		g.verdict = Fail
		r.stopWhere(drain, func(a *activation) bool { return a.scope.inside(g) })
	}
	if g.holding || g.active > 0 || r.nodes[g.vertex].group != g {
		return
	}
	if g.verdict == Fail || r.verdict != nil || g.next == len(g.members) || g.scope.stopping() {
		r.barrier(g)
	}
}

// decide is the verdict of the group's policy.
func (r *Run) decide(g *groupRun) Verdict {
	total := len(g.members)
	if g.isMap() {
		if g.failed > 0 && g.mapTask.OnError != OnErrorCollect {
			return Fail
		}
		return Undecided
	}
	p := r.vertices[g.vertex].group.Policy
	switch {
	case p.BestEffort:
		return Undecided
	case p.AtLeast > 0:
		if total-g.failed < p.AtLeast {
			return Fail
		}
		return Undecided
	case p.Critical != nil && g.failed > 0:
		gr := r.vertices[g.vertex].group
		for _, id := range p.Critical {
			if s := g.members[memberOf(gr, id)]; s.err != nil {
				return Fail
			}
		}
		return Undecided
	case p.Critical != nil:
		return Undecided
	case p.Custom != "":
		return r.decideCustom(g, p.Custom)
	}
	if g.failed > 0 {
		return Fail
	}
	return Undecided
}

func (r *Run) decideCustom(g *groupRun, name string) Verdict {
	var p GroupProgress
	for i, m := range r.vertices[g.vertex].group.Members {
		p.Members = append(p.Members, m.ID)
		switch s := g.members[i]; {
		case s.err != nil:
			p.Failed = append(p.Failed, m.ID)
		case s.succeeded():
			p.Succeeded = append(p.Succeeded, m.ID)
		}
	}
	v := r.policies[name].Decide(p)
	if v == Undecided && p.Ended() {
		return Fail
	}
	return v
}

// stopScope stops what is live in a scope and in the groups inside it.
func (r *Run) stopScope(s *scope, grace time.Duration) {
	r.stopWhere(grace, func(a *activation) bool {
		for c := a.scope; c != nil; c = c.parent {
			if c == s {
				return true
			}
		}
		return false
	})
}

// inside tells whether the scope is a member of a group, or in one of its members.
func (s *scope) inside(g *groupRun) bool {
	for ; s != nil; s = s.parent {
		if s.group == g {
			return true
		}
	}
	return false
}

// cut tells whether the group was stopped from outside before all of it had run.
func (g *groupRun) cut() bool {
	return g.next < len(g.members) || slices.ContainsFunc(g.members, func(s *scope) bool { return s.cut && s.err == nil })
}

// succeeded tells whether a member has ended, and well.
func (s *scope) succeeded() bool { return s.done && !s.cut && s.err == nil && s.iterate == nil }
