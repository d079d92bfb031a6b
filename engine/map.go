package engine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// startMap spreads a map over its items. It reports false when the list can't
// be had: the activation then fails like a task with a bad input.
func (r *Run) startMap(act *activation, why string) bool {
	items, err := r.mapItems(act)
	if err != nil {
		return false
	}
	g := &groupRun{act: act, vertex: act.vertex, name: r.vertices[act.vertex].id, scope: act.scope, holder: act.holder, items: items, mapTask: r.vertices[act.vertex].task, round: 1, channel: act.scope.channel, results: act.scope.results}
	g.members = make([]*scope, len(items))
	if len(items) == 0 && !r.emptyStep(act) {
		return true
	}
	r.openGroup(g, why)
	return true
}

// emptyStep counts a map over nothing as a step, so that a loop of such ends. It
// reports false when that was one too many.
func (r *Run) emptyStep(act *activation) bool {
	limit := r.top.graph.maxSteps()
	if r.steps-r.earlier < limit {
		r.steps++
		return true
	}
	act.scope.refuse(arrival{vertex: act.vertex, input: act.input, override: act.override, given: act.given, holder: act.holder})
	if r.top.verdict == nil {
		r.top.conclude(&verdict{status: StatusFailed, reason: ReasonStepLimit, err: &TaskError{
			Kind: KindStepLimit, Task: r.vertices[act.vertex].task.ID, Activation: act.id, Permanent: true,
			Message: fmt.Sprintf("run reached max_steps %d at the empty map %q; raise limits.max_steps, or look for a loop", limit, act.id),
		}}, drain)
	}
	r.ended(act.scope)
	return false
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

// startItem starts one item of a map: the map's own task, with the item.
func (r *Run) startItem(g *groupRun, i int) {
	var digits [20]byte
	prefix := g.act.id + "[" + string(strconv.AppendInt(digits[:0], int64(i), 10)) + "]/"
	id := strings.TrimSuffix(prefix, "/") // of the same memory: a map has many
	s := &scope{parent: g.scope, group: g, member: i, prefix: prefix, channel: g.channel, results: g.results, live: 1}
	g.members[i] = s
	r.begin(&activation{
		id: id, run: r, vertex: g.vertex, scope: s, cycle: 1, attempt: 1, since: r.tick,
		item: g.items[i], isItem: true, input: g.items[i], override: true,
	}, "item of "+g.act.id)
}

// iterateItem runs one item of a map again, with data.
func (r *Run) iterateItem(act *activation, data json.RawMessage) {
	next := &activation{
		run: r, vertex: act.vertex, scope: act.scope, cycle: act.cycle + 1, attempt: 1, since: r.tick,
		item: act.item, isItem: true, input: data, override: true, given: true, holder: act.holder,
	}
	base := strings.TrimSuffix(act.scope.prefix, "/")
	next.id = base + "#" + strconv.Itoa(next.cycle)
	task := r.vertices[act.vertex].task
	if limit := r.graph.maxCycles(task); limit > 0 && next.cycle > limit {
		act.scope.breakOff(broken{act: act, again: &arrival{input: data}})
		r.failScope(act.scope, cycleLimit(task.ID, next.id, limit))
		return
	}
	act.scope.live++
	r.begin(next, "iteration")
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
