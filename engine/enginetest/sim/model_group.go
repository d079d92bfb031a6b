package sim

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

func (m *model) startGroup(a *mAct) {
	g := &mGroup{node: a.node, act: a, scope: a.scope, round: 1}
	for k := range m.groups[a.node].Members {
		g.members = append(g.members, &mScope{up: a.scope, group: g, member: k, prefix: a.id + "/"})
	}
	if m.calls != nil {
		m.batch = g
	}
	m.openGroup(g)
}

func (m *model) startMap(a *mAct) {
	g := &mGroup{node: a.node, act: a, scope: a.scope, round: 1, isMap: true, items: itemsOf(m.tasks[a.node].Map)}
	for k := range g.items {
		g.members = append(g.members, &mScope{up: a.scope, group: g, member: k, prefix: a.id + "[" + strconv.Itoa(k) + "]/"})
	}
	if len(g.items) == 0 { // a step, so that a loop of such ends
		if m.steps >= m.maxSteps() {
			a.scope.cut = true
			if m.top.verdict == nil {
				m.top.conclude(&mVerdict{status: engine.StatusFailed, reason: engine.ReasonStepLimit, err: &engine.TaskError{Kind: engine.KindStepLimit}, task: a.node})
			}
			return
		}
		m.steps++
	}
	m.openGroup(g)
}

// itemsOf is the list of a generated map: "1..n", or a list of numbers.
func itemsOf(text string) []json.RawMessage {
	var all []json.RawMessage
	if _, to, ok := strings.Cut(text, ".."); ok {
		n, _ := strconv.Atoi(to)
		for i := 1; i <= n; i++ {
			all = append(all, json.RawMessage(strconv.Itoa(i)))
		}
		return all
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		panic(err)
	}
	return all
}

func (m *model) openGroup(g *mGroup) {
	m.open[g.node] = g
	g.base, g.results = maps.Clone(g.scope.channel), maps.Clone(g.scope.results)
	m.startMembers(g)
	m.judge(g)
	m.settleGroup(g) // an empty map ends as it begins
}

func (m *model) concurrency(g *mGroup) int {
	n := len(g.members)
	switch {
	case g.isMap && m.tasks[g.node].MaxConcurrency != nil:
		n = *m.tasks[g.node].MaxConcurrency
	case !g.isMap && m.groups[g.node].MaxConcurrency != nil:
		n = *m.groups[g.node].MaxConcurrency
	}
	return n
}

// startMembers starts as many as may run at once, in order.
func (m *model) startMembers(g *mGroup) {
	g.holding = true
	for _, s := range g.members {
		active := 0
		for _, other := range g.members {
			if other.started && !other.done {
				active++
			}
		}
		if s.started || active >= m.concurrency(g) || g.failed || m.ending(g.scope) {
			continue
		}
		s.started = true
		s.channel, s.results = maps.Clone(g.base), maps.Clone(g.results)
		m.startMember(g, s)
		if m.quiet(s) {
			m.memberDone(g, s)
		}
	}
	g.holding = false
}

func (m *model) startMember(g *mGroup, s *mScope) {
	if g.isMap {
		m.begin(&mAct{m: m, id: s.prefix[:len(s.prefix)-1], node: g.node, scope: s, item: true, input: g.items[s.member], cycle: 1, attempt: 1, since: m.seq})
		return
	}
	for id, h := range m.home {
		if h == (home{g.node, s.member}) && m.born[id] == 0 {
			m.visits[id] = 0
		}
	}
	starts := m.memberStarts(g.node, s.member)
	m.exposeAll(starts)
	input := g.act.input
	if g == m.batch {
		input = m.calls[s.member].Input
	}
	for _, id := range starts {
		m.activate(s, mArrival{node: id, input: input, given: true})
	}
}

// memberDone marks a member in which nothing is live.
func (m *model) memberDone(g *mGroup, s *mScope) {
	s.done = true
	m.judge(g)
}

// judge asks the policy, and stops the members once the group can't succeed.
func (m *model) judge(g *mGroup) {
	if g.failed || !m.hopeless(g) {
		return
	}
	g.failed = true
	for _, s := range g.members {
		if s.started && !s.done {
			m.stop(s)
		}
	}
}

func (m *model) hopeless(g *mGroup) bool {
	failed := 0
	for _, s := range g.members {
		if s.err != nil {
			failed++
		}
	}
	if g.isMap {
		return failed > 0 && m.tasks[g.node].OnError != engine.OnErrorCollect
	}
	p := m.groups[g.node].Policy
	switch {
	case p.BestEffort:
		return false
	case p.AtLeast > 0:
		return len(g.members)-failed < p.AtLeast
	case p.Critical != nil:
		for _, id := range p.Critical {
			for k, member := range m.groups[g.node].Members {
				if member.ID == id && g.members[k].err != nil {
					return true
				}
			}
		}
		return false
	}
	return failed > 0
}

// settleGroup ends members and the group itself if nothing in them is live; it
// tells whether anything has changed.
func (m *model) settleGroup(g *mGroup) bool {
	changed := false
	for _, s := range g.members {
		if s.started && !s.done && m.quiet(s) {
			m.memberDone(g, s)
			changed = true
			if !g.failed && m.verdict == nil {
				m.startMembers(g)
			}
		}
	}
	all := true
	for _, s := range g.members {
		if s.started && !s.done {
			return changed
		}
		all = all && s.started
	}
	if all || g.failed || m.ending(g.scope) {
		m.barrier(g, all)
		return true
	}
	return changed
}

func (m *model) barrier(g *mGroup, all bool) {
	cut := !all
	for _, s := range g.members {
		cut = cut || s.cut && s.err == nil
	}
	if !g.failed && m.verdict == nil && !cut {
		m.merge(g)
		if m.superstep(g) {
			return
		}
	}
	delete(m.open, g.node)
	switch {
	case m.verdict != nil:
	case g.failed:
		err := m.groupError(g)
		m.setResult(g.scope, g.node, mResult{err: err})
		m.failScope(g.scope, err)
	case cut:
		g.scope.cut = true
	default:
		m.groupSucceeded(g)
	}
}

// merge brings the members' writes and results to where the group stands.
func (m *model) merge(g *mGroup) {
	for _, s := range g.members {
		for _, op := range s.ops {
			m.write(g.scope, op)
		}
		for _, id := range s.fresh {
			m.setResult(g.scope, id, s.results[id])
		}
		s.ops, s.fresh = nil, nil
	}
}

// superstep runs the members again that asked for it.
func (m *model) superstep(g *mGroup) bool {
	var again []*mScope
	for _, s := range g.members {
		if s.again != nil && s.err == nil {
			again = append(again, s)
		}
	}
	if len(again) == 0 {
		return false
	}
	g.round++
	limit := 0
	if !g.isMap {
		limit = m.supersteps(m.groups[g.node])
	}
	if limit > 0 && g.round > limit && g == m.batch { // each has an answer of its own
		for _, s := range again {
			s.err = &engine.TaskError{Kind: engine.KindCycleLimit, Permanent: true}
		}
		return false
	}
	if limit > 0 && g.round > limit {
		again[0].err = &engine.TaskError{Kind: engine.KindCycleLimit, Task: g.node, Permanent: true}
		g.failed = true
		return false
	}
	g.base, g.results = maps.Clone(g.scope.channel), maps.Clone(g.scope.results)
	for _, s := range again {
		a := *s.again
		if m.tasks[a.node].MaxCycles == nil {
			a.jump = false
		}
		s.again, s.done = nil, false
		s.channel, s.results = maps.Clone(g.base), maps.Clone(g.results)
		m.activate(s, a)
	}
	return true
}

func (m *model) supersteps(g *engine.Group) int {
	switch {
	case g.Supersteps > 0:
		return g.Supersteps
	case m.spec.Limits.MaxCycles != nil:
		return *m.spec.Limits.MaxCycles
	}
	return engine.DefaultMaxCycles
}

func (m *model) groupError(g *mGroup) *engine.TaskError {
	kind := engine.KindGroup
	for _, s := range g.members {
		if s.err != nil {
			if s.err.Kind == engine.KindCycleLimit || g.isMap {
				kind = s.err.Kind
			}
			break
		}
	}
	return &engine.TaskError{Kind: kind, Task: g.node, Activation: g.act.id}
}

func (m *model) groupSucceeded(g *mGroup) {
	value := m.groupValue(g)
	g.scope.output = value
	m.setResult(g.scope, g.node, mResult{value: value})
	if m.ending(g.scope) {
		g.scope.cut = g.scope.cut || m.hasSuccessors(g.node) || len(g.jumps) > 0
		return
	}
	if len(g.jumps) > 0 {
		m.killSuccessors(g.scope, g.node)
		for _, a := range g.jumps {
			m.jump(g.scope, a)
		}
		m.letGo(g.act.hold)
	} else {
		m.release(g.scope, g.node, m.aliveEdges(g.node, value), g.act.hold)
	}
	if d := m.deferred[g.node]; len(d) > 0 {
		m.deferred[g.node] = d[1:]
		m.exposeAll([]string{g.node})
		m.activate(g.scope, d[0])
	}
}

// groupValue is {member: output}, or a map's list.
func (m *model) groupValue(g *mGroup) json.RawMessage {
	if g.isMap {
		list := []any{}
		for _, s := range g.members {
			switch {
			case m.tasks[g.node].OnError != engine.OnErrorCollect:
				list = append(list, orNull(s.output))
			case s.err != nil:
				list = append(list, map[string]any{"error": map[string]any{"kind": s.err.Kind}})
			default:
				list = append(list, map[string]any{"ok": orNull(s.output)})
			}
		}
		return json.RawMessage(encode(list))
	}
	value, errs := map[string]any{}, map[string]any{}
	for k, member := range m.groups[g.node].Members {
		if s := g.members[k]; s.err != nil {
			errs[member.ID] = map[string]any{"kind": s.err.Kind}
		} else {
			value[member.ID] = orNull(s.output)
		}
	}
	if len(errs) > 0 {
		value["errors"] = errs
	}
	return json.RawMessage(encode(value))
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return null
	}
	return raw
}
