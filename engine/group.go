package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
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
	holder  *holder
}

func (g *groupRun) isMap() bool { return g.mapTask != nil }

func (r *Run) startGroup(act *activation, why string) {
	v := &r.vertices[act.vertex]
	g := &groupRun{act: act, vertex: act.vertex, name: v.id, scope: act.scope, holder: act.holder, round: 1}
	for m := range v.group.Members {
		g.members = append(g.members, r.newMember(g, m))
	}
	r.openGroup(g, why)
}

func (r *Run) newMember(g *groupRun, m int) *scope {
	return &scope{parent: g.scope, group: g, member: m, prefix: g.act.id + "/", channel: g.scope.channel, results: g.scope.results}
}

// startMap spreads a map over its items. It reports false when the list can't
// be had: the activation then fails like a task with a bad input.
func (r *Run) startMap(act *activation, why string) bool {
	items, err := r.mapItems(act)
	if err != nil {
		return false
	}
	g := &groupRun{act: act, vertex: act.vertex, name: r.vertices[act.vertex].id, scope: act.scope, holder: act.holder, items: items, mapTask: r.vertices[act.vertex].task, round: 1}
	g.members = make([]*scope, len(items))
	r.openGroup(g, why)
	return true
}

func (r *Run) mapItems(act *activation) ([]json.RawMessage, error) {
	in := newResolver(r, act)
	if act.given {
		in.input = act.input
	}
	text := r.vertices[act.vertex].task.Map
	v, err := in.eval(text)
	if err != nil {
		return nil, err
	}
	list := reflect.ValueOf(v) // expressions make typed lists too, as 1..3
	if list.Kind() != reflect.Slice {
		return nil, fmt.Errorf("map %q: is %s, want a list", text, kindOf(v))
	}
	items := make([]json.RawMessage, list.Len())
	for i := range items {
		if items[i], err = json.Marshal(list.Index(i).Interface()); err != nil {
			return nil, fmt.Errorf("map %q: item %d: %w", text, i, err)
		}
	}
	return items, nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case map[string]any:
		return "an object"
	case bool:
		return "a boolean"
	case int, float64:
		return "a number"
	}
	return fmt.Sprintf("a %T", v)
}

func (r *Run) openGroup(g *groupRun, why string) {
	r.nodes[g.vertex].group = g
	r.note(Notice{Type: NoticeGroupStarted, Task: g.name, Activation: g.act.id, Group: g.scope.groupName(), Why: why, Total: float64(len(g.members))})
	g.holding = true
	r.startMembers(g)
	g.holding = false
	r.judge(g)
}

// startMembers starts as many as max_concurrency allows.
func (r *Run) startMembers(g *groupRun) {
	limit := len(g.members)
	if n := r.concurrency(g); n != nil {
		limit = *n
	}
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
	for _, v := range starts {
		r.activate(s, arrival{vertex: v, input: g.act.input, override: true, given: g.act.given, why: "member of " + g.act.id})
	}
	r.ended(s)
}

// startItem starts one item of a map: the map's own task, with the item.
func (r *Run) startItem(g *groupRun, i int) {
	id := g.act.id + "[" + strconv.Itoa(i) + "]"
	s := &scope{parent: g.scope, group: g, member: i, prefix: id + "/", channel: g.scope.channel, results: g.scope.results, live: 1}
	g.members[i] = s
	r.begin(&activation{
		id: id, vertex: g.vertex, scope: s, cycle: 1, attempt: 1, since: r.seq,
		item: g.items[i], isItem: true, input: g.items[i], override: true,
	}, "item of "+g.act.id)
}

// iterateItem runs one item of a map again, with data.
func (r *Run) iterateItem(act *activation, data json.RawMessage) {
	next := *act
	next.cycle, next.attempt, next.rev = act.cycle+1, 1, 0
	next.input, next.given, next.since = data, true, r.seq
	base := strings.TrimSuffix(act.scope.prefix, "/")
	next.id = base + "#" + strconv.Itoa(next.cycle)
	task := r.vertices[act.vertex].task
	if limit := r.graph.maxCycles(task); limit > 0 && next.cycle > limit {
		r.failScope(act.scope, cycleLimit(task.ID, next.id, limit))
		return
	}
	act.scope.live++
	r.begin(&next, "iteration")
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
		for _, s := range g.members[:g.next] {
			if s != nil && !s.done {
				r.stopScope(s, drain)
			}
		}
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
	case p.Critical != nil:
		gr := r.vertices[g.vertex].group
		for _, id := range p.Critical {
			if s := g.members[memberOf(gr, id)]; s.err != nil {
				return Fail
			}
		}
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

// barrier ends a superstep: the members' writes are merged, and either the
// members that asked for another run again, or the group ends.
func (r *Run) barrier(g *groupRun) {
	cut := g.cut()
	if g.verdict != Fail && r.verdict == nil && !cut {
		r.merge(g)
		if r.nextRound(g) {
			return
		}
	}
	r.nodes[g.vertex].group = nil
	switch {
	case r.verdict != nil:
		r.note(Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusCanceled})
	case g.verdict == Fail:
		err := r.groupError(g)
		r.note(Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusFailed, Error: err})
		r.setResult(g.scope, g.vertex, &result{err: err})
		r.failScope(g.scope, err)
	case cut:
		g.scope.cut = true
		r.note(Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusCanceled})
	default:
		r.groupSucceeded(g)
	}
	r.ended(g.scope)
}

// cut tells whether the group was stopped from outside before all of it had run.
func (g *groupRun) cut() bool {
	return g.next < len(g.members) || slices.ContainsFunc(g.members, func(s *scope) bool { return s.cut && s.err == nil })
}

// succeeded tells whether a member has ended, and well.
func (s *scope) succeeded() bool { return s.done && !s.cut && s.err == nil && s.iterate == nil }

func (r *Run) groupSucceeded(g *groupRun) {
	value := r.groupValue(g)
	r.note(Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusSucceeded, Value: value})
	g.scope.output = value
	r.setResult(g.scope, g.vertex, &result{value: value})
	if g.scope.stopping() {
		g.scope.cut = g.scope.cut || len(r.vertices[g.vertex].out)+len(g.jumps) > 0
		return
	}
	if len(g.jumps) > 0 {
		r.killSuccessors(g.scope, g.vertex)
		for _, a := range g.jumps {
			r.jump(g.scope, a)
		}
		r.releaseHolder(g.holder)
	} else {
		in := &resolver{input: r.input, result: value, exprs: r.graph.exprs}
		v := r.view(g.scope)
		in.view = &v
		alive, err := verdicts(r.graph, g.vertex, in)
		if err != nil {
			r.failScope(g.scope, &TaskError{Kind: KindError, Task: g.name, Activation: g.act.id, Message: err.Error()})
			return
		}
		r.release(g.scope, g.vertex, alive, g.holder)
	}
	r.startDeferred(g)
}

func (r *Run) startDeferred(g *groupRun) {
	n := &r.nodes[g.vertex]
	if len(n.deferred) > 0 {
		a := n.deferred[0]
		n.deferred = n.deferred[1:]
		r.activate(g.scope, a)
	}
}

// merge applies the members' writes in order of declaration, and publishes
// their results. Several that set or delete one key are a conflict: the last
// declared wins, and the run says so.
func (r *Run) merge(g *groupRun) {
	setBy := map[string]int{}
	var conflicts []string
	for m, s := range g.members {
		for _, op := range s.ops {
			if op.Op == OpSet || op.Op == OpDelete {
				if by, ok := setBy[op.Key]; ok && by != m && !slices.Contains(conflicts, op.Key) {
					conflicts = append(conflicts, op.Key)
				}
				setBy[op.Key] = m
			}
			r.write(g.scope, op)
		}
		for _, f := range s.finished {
			r.setResult(g.scope, f.vertex, f.result)
		}
		s.ops, s.finished = nil, nil
	}
	for _, key := range conflicts {
		r.warn(fmt.Sprintf("group %q: several members set channel key %q; the last declared wins", g.act.id, key))
	}
}

// nextRound runs the members that asked for another superstep again.
func (r *Run) nextRound(g *groupRun) bool {
	var again []*scope
	for _, s := range g.members {
		if s.iterate != nil && s.err == nil {
			again = append(again, s)
		}
	}
	if len(again) == 0 {
		return false
	}
	g.round++
	if limit := r.supersteps(g); limit > 0 && g.round > limit {
		err := &TaskError{
			Kind: KindCycleLimit, Task: g.name, Activation: g.act.id, Permanent: true,
			Message: fmt.Sprintf("group %q: superstep %d exceeds its limit %d; raise supersteps, or let the members stop asking", g.name, g.round, limit),
		}
		again[0].err = err
		g.failed++
		g.verdict = Fail
		return false
	}
	g.holding = true
	for _, s := range again {
		g.active++
		a := *s.iterate
		if t := r.vertices[a.vertex].task; t.MaxCycles == nil {
			a.cause = causeEdge // the limit on supersteps is the one that counts
		}
		s.iterate, s.done, s.live = nil, false, 1
		s.channel, s.results = g.scope.channel, g.scope.results
		r.activate(s, a)
		r.ended(s)
	}
	g.holding = false
	r.judge(g)
	return true
}

func (r *Run) supersteps(g *groupRun) int {
	if g.isMap() {
		return 0
	}
	if n := r.vertices[g.vertex].group.Supersteps; n > 0 {
		return n
	}
	if n := r.graph.spec.Limits.MaxCycles; n != nil {
		return *n
	}
	return DefaultMaxCycles
}

// groupValue is {member: output}, failed ones under errors; of a map, the list.
func (r *Run) groupValue(g *groupRun) json.RawMessage {
	if g.isMap() {
		return mapValue(g)
	}
	out := []byte{'{'}
	errs := map[string]any{}
	for i, m := range r.vertices[g.vertex].group.Members {
		s := g.members[i]
		if s.err != nil {
			errs[m.ID] = map[string]any{"kind": s.err.Kind, "message": s.err.Message}
			continue
		}
		out = appendField(out, m.ID, s.value0())
	}
	if len(errs) > 0 {
		raw, err := json.Marshal(errs)
		if err == nil {
			out = appendField(out, "errors", raw)
		}
	}
	return append(out, '}')
}

func appendField(out []byte, name string, value json.RawMessage) []byte {
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = strconv.AppendQuote(out, name)
	out = append(out, ':')
	return append(out, value...)
}

// value0 is the member's output: that of the last task in it that ended.
func (s *scope) value0() json.RawMessage {
	if s.output == nil {
		return json.RawMessage("null")
	}
	return s.output
}

func mapValue(g *groupRun) json.RawMessage {
	out := []byte{'['}
	collect := g.mapTask.OnError == OnErrorCollect
	for i, s := range g.members {
		if i > 0 {
			out = append(out, ',')
		}
		switch {
		case !collect:
			out = append(out, s.value0()...)
		case s.err != nil:
			raw, err := json.Marshal(map[string]any{"error": map[string]any{"kind": s.err.Kind, "message": s.err.Message}})
			if err == nil {
				out = append(out, raw...)
			}
		default:
			out = append(append(append(out, `{"ok":`...), s.value0()...), '}')
		}
	}
	return append(out, ']')
}

// groupError lists the failed members with their messages, and the succeeded.
func (r *Run) groupError(g *groupRun) *TaskError {
	var failed, succeeded []string
	for i, s := range g.members {
		if s == nil {
			continue
		}
		switch {
		case s.err != nil:
			failed = append(failed, fmt.Sprintf("%s: %s", r.memberName(g, i), s.err.Message))
		case s.succeeded() && s.output != nil:
			succeeded = append(succeeded, r.memberName(g, i))
		}
	}
	kind := KindGroup
	if first := r.firstError(g); first != nil && (first.Kind == KindCycleLimit || g.isMap()) {
		kind = first.Kind
	}
	msg := fmt.Sprintf("%s failed", r.describe(g, len(succeeded)))
	msg += ": " + strings.Join(failed, "; ")
	if len(succeeded) > 0 {
		msg += " (succeeded: " + strings.Join(succeeded, ", ") + ")"
	}
	return &TaskError{Kind: kind, Message: msg, Task: g.name, Activation: g.act.id}
}

func (r *Run) firstError(g *groupRun) *TaskError {
	for _, s := range g.members {
		if s != nil && s.err != nil {
			return s.err
		}
	}
	return nil
}

func (r *Run) memberName(g *groupRun, i int) string {
	if g.isMap() {
		return "[" + strconv.Itoa(i) + "]"
	}
	return r.vertices[g.vertex].group.Members[i].ID
}

func (r *Run) describe(g *groupRun, succeeded int) string {
	if g.isMap() {
		return fmt.Sprintf("map %q", g.act.id)
	}
	p := r.vertices[g.vertex].group.Policy
	switch {
	case p.AtLeast > 0:
		return fmt.Sprintf("group %q: at_least %d: %d/%d", g.act.id, p.AtLeast, succeeded, p.AtLeast)
	case p.Critical != nil:
		return fmt.Sprintf("group %q: a critical member", g.act.id)
	case p.Custom != "":
		return fmt.Sprintf("group %q: policy %q", g.act.id, p.Custom)
	}
	return fmt.Sprintf("group %q", g.act.id)
}
