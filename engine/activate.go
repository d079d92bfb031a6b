package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// activate starts one execution of a vertex: a task is enqueued, a group or a
// map spreads out.
func (r *Run) activate(s *scope, a arrival) {
	if r.depth >= maxDepth {
		s.live++
		r.later = append(r.later, later{r, s, a})
		return
	}
	r.depth++
	r.activateNow(s, a)
	r.depth--
}

// activateLater goes on with the activations that would have been too deep.
func (r *Run) activateLater() {
	for len(r.later) > 0 {
		l := r.later[0]
		r.later = r.later[1:]
		l.run.activate(l.scope, l.arrival)
		l.run.ended(l.scope)
	}
}

func (r *Run) activateNow(s *scope, a arrival) {
	if r.verdict != nil || s.stopping() {
		r.nodes[a.vertex].expect = r.nodes[a.vertex].expect || a.cause == causeEdge
		s.refuse(a)
		return
	}
	v, n := &r.vertices[a.vertex], &r.nodes[a.vertex]
	if n.group != nil {
		n.deferred = append(n.deferred, a) // one at a time: its members' edges are its own
		return
	}
	n.visits++
	if a.cause == causeJump {
		if limit := r.graph.maxCycles(v.task); limit > 0 && int(n.visits) > limit {
			n.visits--
			s.refuse(a)
			r.failScope(s, cycleLimit(v.id, s.activationID(v.id, n.visits+1), limit))
			return
		}
	}
	s.live++
	act := &activation{id: s.activationID(v.id, n.visits), run: r, vertex: a.vertex, scope: s, cycle: int(n.visits), attempt: 1, since: r.tick, override: a.override, given: a.given, input: a.input, holder: a.holder}
	if !a.override {
		act.input = r.joined(s, a.vertex)
	}
	switch {
	case v.isGroup():
		r.startGroup(act, a.why)
	case v.task.Map != "" && r.startMap(act, a.why):
	default:
		r.begin(act, a.why)
	}
}

// refuse keeps an arrival that can't be let in, for a retry of the run.
func (s *scope) refuse(a arrival) { s.breakOff(broken{again: &a}) }

// breakOff keeps what has not ended well, for a retry of the run.
func (s *scope) breakOff(b broken) {
	s.broken = append(s.broken, b)
	s.cut = true
}

// errCycleLimit is the cause of an error that the engine itself made of a limit of
// cycles or supersteps: a task may give its own failure any kind.
var errCycleLimit = errors.New("limit of cycles reached")

func cycleLimit(task, activation string, limit int) *TaskError {
	return &TaskError{
		Kind: KindCycleLimit, Task: task, Activation: activation, Permanent: true, Err: errCycleLimit,
		Message: fmt.Sprintf("task %q: activation %d exceeds max_cycles %d; raise max_cycles, or let the task ask can_iterate", task, limit+1, limit),
	}
}

// begin makes an activation live and enqueues its first attempt.
func (r *Run) begin(act *activation, why string) {
	r.live[act.id] = act
	if r.observed {
		n := r.taskNotice(NoticeTaskReady, act, nil)
		n.Why = why
		r.note(n)
	}
	if r.steps-r.earlier+len(r.live)-r.blocked.size > r.top.graph.maxSteps() {
		r.blocked.add(act)
		return
	}
	r.timeDeadline(act)
	r.enqueue(act)
}

// timeDeadline starts the timer that bounds an activation.
func (r *Run) timeDeadline(act *activation) {
	if t := r.vertices[act.vertex].task; t.Deadline > 0 {
		act.clock().deadline = r.now.Time.Add(time.Duration(t.Deadline))
		r.commands = append(r.commands, r.deadlineOf(act))
	}
}

// enqueue sends the activation's present attempt to the queue.
func (r *Run) enqueue(act *activation) {
	d := &Delivery{
		Run: r.id, Activation: act.id, Task: r.taskOf(act), Vertex: act.vertex, Earlier: act.earlier,
		Attempt: act.attempt, Cycle: act.cycle, Rev: act.rev, Sent: act.rev, Answers: act.answers, View: r.view(act.scope),
	}
	switch {
	case act.recovery != nil:
		d.Recovery = r.recoveryFor(act.recovery)
		d.Input, d.Fault = r.recoveryInput(act.recovery)
	default:
		d.Input, d.Fault = r.resolve(act)
	}
	if g := r.flowOf(act); g != nil {
		r.startFlow(act, g, d)
		return
	}
	d.of, d.pins = &r.origin, r.pins
	r.recall(act, d)
	r.dispatch(act, d)
}

// dispatch sends a delivery on its way, or holds it back.
func (r *Run) dispatch(act *activation, d *Delivery) {
	d.Blobs, d.Seq, d.ready = r.blobsOf(d), r.now.Seq, r.now.Time.UnixNano()
	act.delivery, act.ordinal, act.sent, act.claimed = d, r.ordinal, true, time.Time{}
	r.ordinal++
	if r.held {
		r.heldBack.add(act)
		return
	}
	if t := d.Task; act.recovery == nil && t.QueueTimeout > 0 {
		act.clock().queued = r.now.Time.Add(time.Duration(t.QueueTimeout))
		r.commands = append(r.commands, r.queueTimeoutOf(act))
	}
	r.commands = append(r.commands, Command{Kind: CommandEnqueue, Delivery: d})
}

func (r *Run) deadlineOf(act *activation) Command {
	return Command{Kind: CommandDeadline, Activation: act.id, After: time.Duration(r.vertices[act.vertex].task.Deadline), At: act.timing.deadline}
}

func (r *Run) queueTimeoutOf(act *activation) Command {
	return Command{Kind: CommandQueueTimeout, Activation: act.id, Attempt: act.attempt, After: time.Duration(r.taskOf(act).QueueTimeout), At: act.timing.queued}
}

func (r *Run) view(s *scope) View {
	return View{channel: s.channel, results: s.results, vertexOf: r.lookup(s)}
}

// lookup finds vertices by id. A run that has added none shares its graph's; one
// that has lets a view see those added until now: in the scope, in one around it,
// or elsewhere.
func (r *Run) lookup(s *scope) func(string) (int32, bool) {
	g := r.graph
	if r.overlay == nil {
		return r.find
	}
	added := r.vertices[len(g.vertices):]
	first := int32(len(g.vertices))
	return func(id string) (int32, bool) {
		if v, ok := g.index[id]; ok {
			return v, true
		}
		found := int32(-1)
		for s := s; s != nil && found < 0; s = s.parent {
			here := s.in(id)
			found = lastOf(added, func(v *vertex) bool { return v.place() == here })
		}
		if found < 0 {
			found = lastOf(added, func(v *vertex) bool { return v.id == id })
		}
		return first + found, found >= 0
	}
}

func lastOf(vertices []vertex, match func(*vertex) bool) int32 {
	for i := len(vertices) - 1; i >= 0; i-- {
		if match(&vertices[i]) {
			return int32(i)
		}
	}
	return -1
}

// joined is the input of a vertex from the edges that started it: one's output,
// or an object of several.
func (r *Run) joined(s *scope, v int32) json.RawMessage {
	var from []int32
	for _, ei := range r.vertices[v].in {
		if r.edges[ei] == edgeAlive {
			from = append(from, r.graph.edges[ei].from)
		}
	}
	if len(from) == 1 {
		return s.value(from[0])
	}
	return r.object(s, from)
}

// resolve makes the input of an activation: what it was given, or what its task
// says with With and Params.
func (r *Run) resolve(act *activation) (json.RawMessage, *TaskError) {
	t := r.vertices[act.vertex].task
	if t.Map != "" && !act.isItem {
		_, err := r.mapItems(act)
		return nil, invalidInput(t, err)
	}
	if act.given || len(t.With) == 0 && len(t.Params) == 0 {
		if act.input == nil {
			return json.RawMessage("null"), nil
		}
		return act.input, nil
	}
	return newResolver(r, act).bind(t, nil)
}

// bind makes the input that a task says with With and Params, on top of what is
// there already.
func (in *resolver) bind(t *Task, base map[string]json.RawMessage) (json.RawMessage, *TaskError) {
	bound, err := in.with(t.With)
	if err != nil {
		return nil, invalidInput(t, err)
	}
	for name, v := range base {
		if _, ok := bound[name]; !ok {
			bound[name] = v
		}
	}
	missing := ""
	for _, p := range t.Params {
		if _, ok := bound[p.Name]; ok {
			continue
		}
		v, ok := in.param(p)
		if !ok {
			missing += ", " + strconv.Quote(p.Name)
			continue
		}
		bound[p.Name] = v
	}
	if missing != "" {
		return nil, invalidInput(t, fmt.Errorf("no value for parameter %s: bind it under with, name it after a task or a channel key, or give it a default", missing[2:]))
	}
	raw, err := json.Marshal(bound)
	if err != nil {
		return nil, invalidInput(t, err)
	}
	return raw, nil
}

func invalidInput(t *Task, err error) *TaskError {
	return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("input of task %q: %v", t.ID, err)}
}
