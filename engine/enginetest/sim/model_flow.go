package sim

import (
	"encoding/json"
	"maps"
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
		a.begun, a.first = m.now, m.now
	}
	a.forgetFailed()
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
