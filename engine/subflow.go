package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// FlowHandler is the name of the handler of sub-flows. Their tasks' Spec is a
// [Spec], JSON. The engine runs them itself: each attempt is a run of its own
// inside the run, with its own tasks, results, cycles and channel. The task's
// input is its input, its output the task's value. terminate ends the sub-flow,
// cancel the whole run; max_steps is the whole run's.
const FlowHandler = "flow"

// flows tells that the activation's present attempt is a sub-flow that runs.
func (act *activation) flows() bool { return act.sub != nil && act.sub.status == StatusRunning }

// flowOf is the graph of the sub-flow that an activation runs; nil if its task is
// none.
func (r *Run) flowOf(act *activation) *Graph {
	if r.taskOf(act).Handler != FlowHandler {
		return nil
	}
	v := act.vertex
	if act.recovery != nil {
		v = act.recovery.vertex
	}
	if g := r.graph.flows[v]; g != nil {
		return g
	}
	return r.subs[v]
}

// parts are the run and its sub-flows that run.
func (r *Run) parts() []*Run {
	all := []*Run{r}
	for _, act := range r.inOrder() {
		if act.flows() {
			all = append(all, act.sub)
		}
	}
	return all
}

// addFlow keeps the graph of a sub-flow that is added at run time. That it can be
// built was checked before its caller was committed.
func (r *Run) addFlow(v int32, t *Task) {
	if t.Handler != FlowHandler {
		return
	}
	g, err := parseGraph(t.Spec)
	if err != nil {
		return
	}
	if r.subs == nil {
		r.subs = map[int32]*Graph{}
	}
	r.subs[v] = g
}

// startFlow begins an attempt of a sub-flow.
func (r *Run) startFlow(act *activation, g *Graph, d *Delivery) {
	act.delivery = nil
	if d.Fault != nil {
		r.applyTo(act, &Event{Type: EventFailed, Time: r.now.Time, Attempt: act.attempt, Error: d.Fault})
		return
	}
	prefix := act.id + "/"
	if act.attempt > 1 {
		prefix = act.id + "~" + strconv.Itoa(act.attempt) + "/"
	}
	sub := r.newRun(g, prefix, r)
	sub.outer, sub.input, sub.status, sub.began = act, d.Input, StatusRunning, r.now.Time
	act.sub, act.ordinal, act.sent = sub, r.ordinal, true
	r.ordinal++
	r.flows++
	r.timeFlow(act)
	r.checkInput(act)
	n := r.taskNotice(NoticeTaskStarted, act, nil)
	r.note(n)
	sub.open()
}

// checkInput asks for a check of the sub-flow's input: before any of its tasks
// begins, and not by the fold, which depends on nothing but events.
func (r *Run) checkInput(act *activation) {
	if act.sub.graph.spec.Input != nil {
		r.commands = append(r.commands, Command{Kind: CommandCheck, Activation: act.id})
	}
}

// checkInputs fails the sub-flows whose input does not fit. Deliveries of their
// tasks that are about to be enqueued are stopped before they begin. The caller
// holds mu.
func (o *Running) checkInputs(activations []string) error {
	for _, id := range activations {
		act := o.run.live[id]
		if act == nil || !act.flows() || act.sub.verdict != nil {
			continue
		}
		input, err := o.engine.whole(o.engine.ctx, o.id, act.sub.input, o.run.blobsIn(act.sub.input))
		if err != nil {
			return fmt.Errorf("run %q: read the input of %q: %w", o.id, id, err)
		}
		if err = checkSchema(o.engine.cfg.CheckSchema, act.sub.graph.spec.Input, input); err == nil {
			continue
		}
		e := &Event{Type: EventFailed, Reason: KindInvalidInput, Error: invalidInput(act.run.taskOf(act), err)}
		if err := o.commitFor(act, e); err != nil && !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return nil
}

// timeFlow starts the timer that bounds an attempt.
func (r *Run) timeFlow(act *activation) {
	act.clock().timeout = time.Time{}
	if d := r.flowTimeout(act); d > 0 {
		act.timing.timeout = r.now.Time.Add(d)
		r.commands = append(r.commands, r.flowTimeoutOf(act))
	}
}

// flowTimeout bounds an attempt: the task's timeout, or the sub-flow's own.
func (r *Run) flowTimeout(act *activation) time.Duration {
	if act.callsTasks() { // no attempt of its own goes on meanwhile
		return 0
	}
	d := time.Duration(r.vertices[act.vertex].task.Timeout)
	if act.recovery != nil {
		d = time.Duration(r.recoveryFor(act.recovery).Timeout)
	}
	if act.sub == nil {
		return d
	}
	if own := time.Duration(act.sub.graph.spec.Limits.Timeout); d == 0 || own > 0 && own < d {
		d = own
	}
	return d
}

func (r *Run) flowTimeoutOf(act *activation) Command {
	return Command{Kind: CommandTimeout, Activation: act.id, Attempt: act.attempt, After: r.flowTimeout(act), At: act.timing.timeout}
}

// flowExpired ends an attempt that ran out of time.
func (r *Run) flowExpired(act *activation, e *Event) {
	act.sub.conclude(&verdict{status: StatusFailed, err: e.Error}, 0)
}

// flowEnded goes on after an attempt.
func (r *Run) flowEnded(act *activation) {
	if act.callsTasks() {
		r.callsEnded(act)
		return
	}
	sub := act.sub
	r.flows--
	e := &Event{Type: EventCompleted, Time: r.now.Time, Seq: r.now.Seq, Attempt: act.attempt, Started: sub.began}
	switch v := sub.verdict; {
	case act.recovery != nil:
		r.recoveryEnded(act, recoveryEvent(sub, e))
	case sub.status == StatusSucceeded:
		r.flowSucceeded(act, e)
	case act.stopping && v.err == nil:
		r.retire(act)
		r.stopped(act, e)
	case v.reason == ReasonCanceled:
		r.retire(act)
		r.steps++
		message := fmt.Sprintf("%s, in sub-flow %s", v.message, act.id)
		e.Effects.Cancel = &message
		r.canceledBy(act, e)
	default:
		err := *v.err
		if err.Task != "" { // else it is its own: it ran out of time
			err.Message = fmt.Sprintf("sub-flow %s: %s", act.id, err.Message)
		}
		if err.Err == nil {
			err.Err = v.err
		}
		e.Type, e.Error = EventFailed, &err
		r.failedAttempt(act, e)
	}
}

// recoveryEvent is how a sub-flow ended that is a fallback or a rollback.
func recoveryEvent(sub *Run, e *Event) *Event {
	switch v := sub.verdict; {
	case sub.status == StatusSucceeded:
		e.Value = sub.Outcome().Output
	case v.err != nil:
		e.Type, e.Error = EventFailed, v.err
	case v.reason == ReasonCanceled:
		e.Type, e.Effects.Cancel = EventFailed, &v.message
		e.Error = &TaskError{Kind: KindCanceled, Message: v.message}
	default:
		e.Type = EventStopped
	}
	return e
}

func (r *Run) flowSucceeded(act *activation, e *Event) {
	e.Value = act.sub.Outcome().Output
	if !act.isItem && int(act.vertex) < len(r.graph.vertices) { // else it has no edges of its own
		v := r.view(act.scope)
		alive, err := verdicts(r.graph, act.vertex, &resolver{input: r.input, result: e.Value, view: &v, exprs: r.graph.exprs})
		if err != nil {
			e.Type, e.Error = EventFailed, &TaskError{Kind: KindError, Message: err.Error(), Permanent: true}
			r.failedAttempt(act, e)
			return
		}
		e.Alive = alive
	}
	act.sub = nil
	r.retire(act)
	r.completed(act, e, nil)
}

// reopenFlow goes on with the last attempt of a sub-flow, when the run is retried.
func (r *Run) reopenFlow(act *activation) {
	r.chain(act)
	act.stopping, act.retrying = false, false
	act.earlier = act.attempt - 1
	r.live[act.id] = act
	r.timeDeadline(act)
	r.flows++
	sub := act.sub
	sub.status, sub.verdict = StatusRunning, nil
	r.timeFlow(act)
	sub.root.live++
	sub.reopen(sub.root)
	sub.ended(sub.root)
}

// checkFlow wants a sub-flow to be added to be one that can run, and pins its code.
func (a *attempt) checkFlow(what string, t *Task, e *Event) error {
	g, err := parseGraph(t.Spec)
	if err == nil {
		err = a.engine.Check(a.engine.ctx, g)
	}
	if err != nil {
		return &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("%s %q: %v", what, t.ID, err), Permanent: true, Err: err}
	}
	var errs []error
	g.eachTask("", func(_ string, t *Task) { errs = append(errs, a.engine.pin(a.engine.ctx, t, e)) })
	return errors.Join(errs...)
}

// flow compiles the graph of a task that is a sub-flow.
func (c *compiler) flow(at string, i int32, t *Task) {
	if t.Handler != FlowHandler {
		return
	}
	if t.Output != "" {
		c.fault(at+".output", "a sub-flow's output is kept where the task that returns it says: set it there")
	}
	if c.depth == maxFlowDepth {
		c.fault(at, "sub-flows nest deeper than %d", maxFlowDepth)
		return
	}
	var spec Spec
	if err := json.Unmarshal(t.Spec, &spec); err != nil {
		c.fault(at+".spec", "want the spec of a flow: %v", err)
		return
	}
	g, err := spec.build(c.depth + 1)
	if err != nil {
		c.errs = append(c.errs, below(at+".spec", err)...)
		return
	}
	if c.g.flows == nil {
		c.g.flows = map[int32]*Graph{}
	}
	c.g.flows[i] = g
}

// eachTask calls f for the tasks of a graph and of its sub-flows, in order of
// declaration, with the places in the spec of the graphs that they are of.
func (g *Graph) eachTask(at string, f func(at string, t *Task)) {
	for i := range g.spec.Tasks {
		t := &g.spec.Tasks[i]
		f(at, t)
		if t.Handler != FlowHandler {
			continue
		}
		if sub := g.flows[g.index[t.ID]]; sub != nil {
			sub.eachTask(at+"tasks."+t.ID+".spec.", f)
		}
	}
}

// eachGroup is eachTask for groups.
func (g *Graph) eachGroup(at string, f func(at string, gr *Group)) {
	for i := range g.spec.Groups {
		gr := &g.spec.Groups[i]
		f(at+"groups."+gr.ID, gr)
	}
	for i, sub := range g.flows {
		sub.eachGroup(at+"tasks."+g.vertices[i].id+".spec.", f)
	}
}

// maxFlowDepth is how deep sub-flows may nest.
const maxFlowDepth = 32

// below gives the faults of an inner graph their place in the outer one.
func below(at string, err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		joined = errors.Join(err).(interface{ Unwrap() []error })
	}
	var all []error
	for _, e := range joined.Unwrap() {
		fault, ok := errors.AsType[*BuildError](e)
		if !ok {
			all = append(all, e)
			continue
		}
		place := at
		if fault.At != "" {
			place += "." + fault.At
		}
		all = append(all, &BuildError{At: place, Message: fault.Message})
	}
	return all
}
