package sim

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/graflow/graflow-wasm/engine"
)

// activate begins one execution of a task or group.
func (m *model) activate(s *mScope, a mArrival) {
	if m.ending(s) {
		return
	}
	if m.open[a.node] != nil {
		m.deferred[a.node] = append(m.deferred[a.node], a)
		return
	}
	t := m.tasks[a.node]
	m.visits[a.node]++
	if limit := m.maxCycles(t); a.jump && limit > 0 && m.visits[a.node] > limit {
		m.visits[a.node]--
		m.failScope(s, &engine.TaskError{Kind: engine.KindCycleLimit, Task: a.node, Permanent: true})
		return
	}
	act := &mAct{
		m: m, id: visitID(s, a.node, m.visits[a.node]), node: a.node, scope: s, input: a.input,
		cycle: m.visits[a.node], attempt: 1, since: m.seq, hold: a.hold,
	}
	if !a.given {
		act.input = m.joined(s, a.node)
	}
	switch {
	case t == nil:
		m.startGroup(act)
	case t.Map != "":
		m.startMap(act)
	default:
		m.begin(act)
	}
}

// joined is what the alive edges bring.
func (m *model) joined(s *mScope, node string) json.RawMessage {
	var from []string
	for _, e := range m.edges {
		if e.to == node && e.state == "alive" {
			from = append(from, e.from)
		}
	}
	if len(from) == 1 {
		return s.results[from[0]].value
	}
	all := map[string]json.RawMessage{}
	for _, id := range from {
		if r, ok := s.results[id]; ok && r.err == nil {
			all[id] = r.value
		}
	}
	return json.RawMessage(encode(all))
}

func (m *model) begin(a *mAct) {
	if m.ids[a.id] {
		breach("ids", "a second activation %s", a.id)
	}
	m.ids[a.id] = true
	m.live[a.id] = a
	if m.steps+len(m.live)-len(m.blocked) > m.maxSteps() {
		m.blocked = append(m.blocked, a)
		return
	}
	m.enqueue(a)
}

// enqueue makes the activation's present attempt ready.
func (m *model) enqueue(a *mAct) {
	a.channel, a.ready = maps.Clone(a.scope.channel), m.now
	if a.attempt == 1 {
		a.begun = m.now
	}
	if m.taskOf(a).Handler == engine.FlowHandler {
		m.startFlow(a)
		return
	}
	m.decided[attemptKey(a.id, a.attempt)], a.back = true, m.held
	if m.verdict != nil && (a.recovery == nil || !a.recovery.rollback) {
		breach("model", "%s became ready after the verdict", a.id)
	}
}

func attemptKey(id string, attempt int) string { return id + " attempt " + strconv.Itoa(attempt) }

// completed lets follow what follows a result.
func (m *model) completed(a *mAct, e *engine.Event) {
	m.steps++
	fx := &e.Effects
	if fx.Cancel != nil {
		m.canceledBy(a, *fx.Cancel)
		return
	}
	m.record(a, e)
	switch {
	case m.ending(a.scope):
		if m.hasSuccessors(a.node) || len(fx.Next) > 0 || fx.Iterate != nil {
			a.scope.cut = true
		}
	case fx.Terminate != nil:
		m.conclude(&mVerdict{status: engine.StatusSucceeded, reason: engine.ReasonTerminated, task: a.node, output: e.Value})
	default:
		m.follow(a, e)
	}
}

func (m *model) hasSuccessors(node string) bool {
	return slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.from == node })
}

func (m *model) canceledBy(a *mAct, _ string) {
	if m.verdict == nil {
		m.conclude(&mVerdict{status: engine.StatusCanceled, reason: engine.ReasonCanceled, task: a.node})
	}
}

// record keeps a result and its channel writes.
func (m *model) record(a *mAct, e *engine.Event) {
	for _, op := range e.Effects.Channel {
		m.write(a.scope, op)
	}
	a.scope.output = e.Value
	if a.item {
		return
	}
	m.setResult(a.scope, a.node, mResult{value: e.Value})
	if m.born[a.node] > 0 && a.scope == m.root {
		m.last = e.Value
	}
}

func (m *model) setResult(s *mScope, node string, r mResult) {
	s.results[node] = r
	s.fresh = append(s.fresh, node)
}

// write does a channel operation, on lists and numbers as a person would.
func (m *model) write(s *mScope, op engine.ChannelOp) {
	old, there := s.channel[op.Key]
	switch op.Op {
	case engine.OpSet:
		s.channel[op.Key] = op.Value
	case engine.OpDelete:
		delete(s.channel, op.Key)
	case engine.OpAdd:
		a, b := 0, 0
		if json.Unmarshal(op.Value, &b) != nil || there && json.Unmarshal(old, &a) != nil {
			return
		}
		s.channel[op.Key] = json.RawMessage(strconv.Itoa(a + b))
	case engine.OpAppend, engine.OpPrepend:
		list := []json.RawMessage{}
		if there && json.Unmarshal(old, &list) != nil {
			return
		}
		if op.Op == engine.OpAppend {
			list = append(list, op.Value)
		} else {
			list = append([]json.RawMessage{op.Value}, list...)
		}
		s.channel[op.Key] = json.RawMessage(encode(list))
	}
	s.ops = append(s.ops, op)
}

// aliveEdges are the verdicts on a node's outgoing edges.
func (m *model) aliveEdges(node string, value json.RawMessage) []bool {
	var alive []bool
	for _, e := range m.edges {
		if e.from == node {
			alive = append(alive, holds(e.when, value))
		}
	}
	return alive
}

// follow starts what comes after a completed activation.
func (m *model) follow(a *mAct, e *engine.Event) {
	fx := &e.Effects
	after := a.node
	var alive []bool
	if a.item {
		after = ""
	} else {
		alive = m.aliveEdges(a.node, e.Value)
	}
	h := &mHold{up: a.hold, node: after, alive: alive, scope: a.scope}
	jump := false
	var targets []mArrival
	for i := range fx.Next {
		t, added := m.target(a, &fx.Next[i], e.Value)
		jump = jump || fx.Next[i].Goto || !added
		targets = append(targets, t)
	}
	if jump && !a.item {
		m.killSuccessors(a.scope, a.node)
	}
	for _, t := range targets {
		if !t.jump && !jump {
			t.hold = h
			h.open++
		}
		m.jump(a.scope, t)
	}
	switch {
	case jump:
		m.letGo(a.hold)
	case fx.Iterate != nil:
		m.iterate(a, fx.Iterate)
	case h.open == 0:
		m.release(a.scope, after, alive, a.hold)
	}
}

// target finds or adds a task that was asked for; existing is what was there
// when the caller became ready.
func (m *model) target(a *mAct, n *engine.NextTask, value json.RawMessage) (t mArrival, added bool) {
	id := n.Task.ID
	if m.tasks[id] == nil && m.groups[id] == nil {
		task := n.Task
		m.tasks[id], m.born[id] = &task, m.seq
		m.home[id] = home{}
		if g := a.scope.group; g != nil {
			m.home[id] = home{g.node, a.scope.member}
		}
	}
	added = m.born[id] > a.since
	t = mArrival{node: id, input: n.Input, given: true, jump: !added}
	if t.input == nil {
		t.input = value
	}
	return t, added
}

func (m *model) iterate(a *mAct, it *engine.Iteration) {
	data := it.Data
	if data == nil {
		data = null
	}
	next := mArrival{node: a.node, input: data, given: true, jump: true, hold: a.hold}
	switch g := a.scope.group; {
	case a.item:
		m.iterateItem(a, data)
	case g != nil:
		a.scope.again = &next
	default:
		m.activate(a.scope, next)
	}
}

func (m *model) iterateItem(a *mAct, data json.RawMessage) {
	next := &mAct{m: m, id: a.scope.prefix[:len(a.scope.prefix)-1] + "#" + strconv.Itoa(a.cycle+1), node: a.node, scope: a.scope, item: true, input: data, cycle: a.cycle + 1, attempt: 1, since: m.seq, hold: a.hold}
	if limit := m.maxCycles(m.tasks[a.node]); limit > 0 && next.cycle > limit {
		m.failScope(a.scope, &engine.TaskError{Kind: engine.KindCycleLimit, Task: a.node, Permanent: true})
		return
	}
	m.begin(next)
}

// release resolves a node's edges once nothing of it is still to come.
func (m *model) release(s *mScope, node string, alive []bool, up *mHold) {
	if node != "" && !m.expect[node] {
		k := 0
		for i := range m.edges {
			if m.edges[i].from == node {
				m.resolve(s, i, alive[k])
				k++
			}
		}
	}
	m.letGo(up)
}

func (m *model) letGo(h *mHold) {
	if h == nil {
		return
	}
	if h.open--; h.open == 0 {
		m.release(h.scope, h.node, h.alive, h.up)
	}
}

func (m *model) killSuccessors(s *mScope, node string) {
	for i := range m.edges {
		if m.edges[i].from == node {
			m.resolve(s, i, false)
		}
	}
}

// jump activates a node from outside its edges.
func (m *model) jump(s *mScope, a mArrival) {
	here := home{}
	if s.group != nil {
		here = home{s.group.node, s.member}
	}
	switch {
	case m.home[a.node] == here:
		m.exposeAll([]string{a.node})
		m.activate(s, a)
	case s.group != nil:
		s.group.jumps = append(s.group.jumps, a)
	default:
		m.failScope(s, &engine.TaskError{Kind: engine.KindInvalidInput, Task: a.node})
	}
}

// exposeAll puts all that follows the nodes in play: it will be started again,
// or skipped.
func (m *model) exposeAll(nodes []string) {
	for _, id := range nodes {
		for i := range m.edges {
			e := &m.edges[i]
			if e.from != id || e.back || e.state == "pending" {
				continue
			}
			e.state = "pending"
			if !m.expect[e.to] {
				m.expect[e.to], m.fired[e.to] = true, false
				m.exposeAll([]string{e.to})
			}
		}
	}
}

// resolve settles one edge, and starts or skips where it leads.
func (m *model) resolve(s *mScope, i int, alive bool) {
	e := &m.edges[i]
	if e.back {
		if alive {
			m.exposeAll([]string{e.to})
			m.activate(s, mArrival{node: e.to, input: s.results[e.from].value, given: true, jump: true})
		}
		return
	}
	if !alive && e.state != "pending" {
		return
	}
	e.state = map[bool]string{true: "alive", false: "dead"}[alive]
	m.decide(s, e.to)
}

// decide starts or skips a node if its edges say so, and then those that it
// leads to: breadth first.
func (m *model) decide(s *mScope, node string) {
	for work := []string{node}; len(work) > 0; work = work[1:] {
		work = append(work, m.decideOne(s, work[0])...)
	}
}

// decideOne returns the nodes that a skipped one leads to.
func (m *model) decideOne(s *mScope, node string) (next []string) {
	alive := slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.to == node && !e.back && e.state == "alive" })
	pending := m.openEdges(node)
	t := m.tasks[node]
	first := t != nil && t.Join == engine.JoinAny && alive
	switch {
	case m.fired[node]:
		m.fired[node] = pending // the rest of the round counts no more
	case pending && !first:
	case alive:
		m.expect[node], m.fired[node] = false, first && pending
		m.activate(s, mArrival{node: node})
	case m.expect[node]:
		m.expect[node] = false
		for i := range m.edges {
			if e := &m.edges[i]; e.from == node && e.state == "pending" {
				e.state = "dead"
				if !m.openEdges(e.to) { // else another one will decide it
					next = append(next, e.to)
				}
			}
		}
	}
	return next
}

func (m *model) openEdges(node string) bool {
	return slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.to == node && !e.back && e.state == "pending" })
}

// conclude sets how the run ends, and stops what is live.
func (m *model) conclude(v *mVerdict) {
	m.verdict = v
	if m == m.top {
		m.letAllGo() // what was held is stopped as what was not
	}
	m.stop(m.root)
}

// stop asks all in a scope to end; what is not at a worker ends at once.
func (m *model) stop(s *mScope) {
	for _, id := range m.liveIDs() {
		a := m.live[id]
		if a == nil || a.stopping || !within(a.scope, s) {
			continue
		}
		a.stopping = true
		if i := slices.Index(m.blocked, a); i >= 0 {
			m.blocked = slices.Delete(m.blocked, i, i+1)
			delete(m.live, id)
			a.scope.cut = true
			continue
		}
		if a.sub != nil {
			a.sub.conclude(&mVerdict{status: engine.StatusCanceled})
			continue
		}
		if a.retrying || a.paused != nil || a.back {
			delete(m.live, id)
			m.silent[id] = true
			last := &engine.Event{Type: engine.EventStopped, Attempt: a.attempt}
			switch {
			case a.recovery != nil:
				m.recovered(a, last)
			case a.retrying || a.paused != nil:
				m.stopped(a, nil)
			default:
				m.stopped(a, last)
			}
		}
	}
}

// failScope fails the run, or a member of a group.
func (m *model) failScope(s *mScope, err *engine.TaskError) {
	if s.group == nil {
		if m.verdict == nil {
			v := &mVerdict{status: engine.StatusFailed, err: err, task: err.Task}
			if err.Kind == engine.KindCycleLimit {
				v.reason = engine.ReasonCycleLimit
			}
			m.conclude(v)
		}
		return
	}
	if s.err == nil {
		s.err = err
		m.stop(s)
		m.judge(s.group)
	}
}

func (m *model) failed(a *mAct, err *engine.TaskError) {
	m.steps++
	if !a.item {
		m.setResult(a.scope, a.node, mResult{err: err})
	}
	m.failScope(a.scope, err)
}

// stopped ends an activation that was stopped; e is nil if no worker had it.
func (m *model) stopped(a *mAct, e *engine.Event) {
	if !m.recover(a, e, nil) {
		a.scope.cut = true
	}
}

// settle ends what has nothing live in it: members, sub-flows, then the run.
func (m *model) settle() {
	for again := true; again; {
		again = m.settleGroups()
		for _, id := range m.liveIDs() {
			a := m.live[id]
			if a == nil || a.sub == nil {
				continue
			}
			again = a.sub.settleGroups() || again
			if m.live[id] == a && a.sub != nil && a.sub.quiet(a.sub.root) {
				a.m.flowEnded(a)
				again = true
			}
		}
	}
	switch busy := len(m.live) - m.flows(); {
	case len(m.live) == 0:
		m.ended = true
	case busy == len(m.blocked) && m.verdict == nil:
		first := m.blocked[0]
		m.verdict = &mVerdict{status: engine.StatusFailed, reason: engine.ReasonStepLimit, err: &engine.TaskError{Kind: engine.KindStepLimit}, task: first.node}
		m.ended = true
	}
}

func (m *model) settleGroups() bool {
	changed := false
	for _, id := range slices.Sorted(maps.Keys(m.open)) {
		if g := m.open[id]; g != nil && m.settleGroup(g) {
			changed = true
		}
	}
	return changed
}

// checkOutcome compares how the engine says that the run has ended.
func (m *model) checkOutcome(o *engine.Outcome) {
	v := m.verdict
	if v == nil {
		v = &mVerdict{status: engine.StatusSucceeded}
		v.output, v.reason = m.output()
	}
	kind := ""
	if o.Error != nil {
		kind = o.Error.Kind
	}
	got := []any{o.Status, o.Reason, o.Task, kind, o.Steps, plain(o.Output)}
	output := v.output
	if output == nil {
		output = null
	}
	wantKind := ""
	if v.err != nil {
		wantKind = v.err.Kind
	}
	want := []any{v.status, v.reason, v.task, wantKind, m.steps, plain(output)}
	if !reflect.DeepEqual(got, want) {
		breach("outcome", "status, reason, task, error, steps, output are %v, want %v", got, want)
	}
}

// output is that of the ends reached.
func (m *model) output() (json.RawMessage, string) {
	reached := map[string]json.RawMessage{}
	for _, id := range m.ends() {
		if r, ok := m.root.results[id]; ok && r.err == nil {
			reached[id] = r.value
		}
	}
	switch {
	case len(reached) > 1:
		return json.RawMessage(encode(reached)), ""
	case len(reached) == 1:
		for _, v := range reached {
			return v, ""
		}
	case m.last != nil:
		return m.last, ""
	}
	return null, engine.ReasonNoEnd
}

func (m *model) ends() []string {
	if len(m.spec.End) > 0 {
		return m.spec.End
	}
	var ends []string
	for _, id := range m.nodes() {
		onward := slices.ContainsFunc(m.edges, func(e mEdge) bool { return e.from == id && !e.back })
		if m.home[id].group == "" && !onward && !m.standsBy(id) {
			ends = append(ends, id)
		}
	}
	return ends
}
