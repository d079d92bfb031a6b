package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

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
	r.untimeGroup(g)
	switch {
	case r.verdict != nil:
		g.scope.breakOff(broken{group: g})
		r.noteGroup(g, Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusCanceled})
	case g.verdict == Fail:
		err := r.groupError(g)
		r.noteGroup(g, Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusFailed, Error: err})
		r.setResult(g.scope, g.vertex, &result{err: err})
		g.scope.breakOff(broken{group: g})
		r.failScope(g.scope, err)
	case cut:
		g.scope.breakOff(broken{group: g})
		r.noteGroup(g, Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusCanceled})
	default:
		r.groupSucceeded(g)
	}
	r.ended(g.scope)
}

func (r *Run) groupSucceeded(g *groupRun) {
	value := r.groupValue(g)
	r.noteGroup(g, Notice{Type: NoticeGroupFinished, Task: g.name, Activation: g.act.id, Status: StatusSucceeded, Value: value})
	g.scope.output = value
	r.setResult(g.scope, g.vertex, &result{value: value})
	if g.scope.stopping() {
		if len(r.vertices[g.vertex].out)+len(g.jumps)+len(r.nodes[g.vertex].deferred) > 0 || g.holder != nil {
			g.scope.breakOff(broken{group: g, passed: true})
		}
		return
	}
	r.groupFollows(g)
}

// groupFollows starts what comes after a group that has succeeded.
func (r *Run) groupFollows(g *groupRun) {
	if len(g.jumps) > 0 {
		r.killSuccessors(g.scope, g.vertex)
		for _, a := range g.jumps {
			r.jump(g.scope, a)
		}
		r.releaseHolder(g.holder)
	} else {
		in := &resolver{input: r.input, result: g.scope.value(g.vertex), exprs: r.graph.exprs}
		v := r.view(g.scope)
		in.view = &v
		alive, err := verdicts(r.graph, g.vertex, in)
		if err != nil {
			g.scope.breakOff(broken{group: g})
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
		r.expose([]int32{g.vertex})
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
		if g == r.batch { // each call has an answer of its own
			r.callsExceed(again, limit)
			return false
		}
		err := &TaskError{
			Kind: KindCycleLimit, Task: g.name, Activation: g.act.id, Permanent: true, Err: errCycleLimit,
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
	return r.graph.supersteps(r.vertices[g.vertex].group)
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
	kind, cause := KindGroup, error(nil)
	switch first := r.firstError(g); {
	case first == nil:
	case errors.Is(first, errCycleLimit):
		kind, cause = first.Kind, errCycleLimit
	case g.isMap():
		kind = first.Kind
		if errors.Is(first, errWorkersLost) {
			cause = errWorkersLost
		}
	}
	msg := fmt.Sprintf("%s failed", r.describe(g, len(succeeded)))
	if g.expired {
		kind = KindTimeout
		failed = append([]string{fmt.Sprintf("it exceeded its timeout of %s", r.groupTimeout(g))}, failed...)
	}
	msg += ": " + strings.Join(failed, "; ")
	if len(succeeded) > 0 {
		msg += " (succeeded: " + strings.Join(succeeded, ", ") + ")"
	}
	return &TaskError{Kind: kind, Message: msg, Task: g.name, Activation: g.act.id, Err: cause}
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
