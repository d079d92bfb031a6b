package engine

import (
	"encoding/json"
	"maps"
	"time"
)

// drain is the time that running siblings have to end by themselves once their
// group, or their run, has failed.
const drain = 2 * time.Second

// Apply changes the state by one event. It reports whether the event counted:
// a late, duplicate or foreign one changes nothing.
func (r *Run) Apply(e *Event) bool {
	r.seq, r.now = e.Seq, e
	r.tick++
	defer r.settled()
	if e.Activation == "" || e.Type == EventTimer {
		decision, ok := decisions[e.Type]
		return ok && decision(r, e)
	}
	act := r.live[e.Activation]
	if act == nil || !act.takes(e) || r.status != StatusRunning { // of a run that has ended, sub-flows may be left
		r.discard(act, e)
		r.note(Notice{Type: NoticeWarning, Activation: e.Activation, Attempt: e.Attempt, Message: "stale commit: the activation has ended or has another attempt"})
		return false
	}
	act.rev, act.gen = e.Seq, r.gen
	act.run.applyTo(act, e)
	return true
}

// applyTo changes the state by an event of an activation's chain.
func (r *Run) applyTo(act *activation, e *Event) {
	r.moved = true
	switch {
	case act.flows():
		r.flowExpired(act, e)
	case e.Type == EventBegun:
		r.begunAt(act, e)
	case e.Type == EventReturned:
		r.returned(act, e)
	case e.Type == EventPaused:
		r.pausedAt(act, e)
	case e.Type == EventAnswered:
		r.answer(act, e)
	case e.Type == EventCalled:
		r.calledAt(act, e)
	case act.recovery != nil:
		r.recoveryEnded(act, e)
	case e.Type == EventCompleted:
		r.retire(act)
		r.completed(act, e, nil)
	case e.Type == EventFailed:
		r.failedAttempt(act, e)
	case e.Type == EventStopped:
		r.retire(act)
		r.stopped(act, e)
	}
}

// discard remembers that a chain goes on behind the activation's back: what is done
// again of it, when the run is retried, follows there.
func (r *Run) discard(act *activation, e *Event) {
	if act != nil { // what follows on the chain comes from here, or from a worker of its ticket
		act.rev, act.gen = e.Seq, r.gen
		if act.delivery != nil {
			d := *act.delivery
			d.Rev = e.Seq
			act.delivery = &d
		}
		if r.status == StatusRunning && !act.flows() && !act.retrying && act.pause == nil {
			act.run.stopAgain(act)
		}
		return
	}
	if r.stale == nil {
		r.stale = map[string]uint64{}
	}
	r.stale[e.Activation] = e.Seq
}

// settled ends the folding of an event.
func (r *Run) settled() {
	r.activateLater()
	r.checkSteps()
}

// decisions are what the events of the chain "" do.
var decisions = map[EventType]func(*Run, *Event) bool{
	EventStarted:  (*Run).start,
	EventCanceled: (*Run).cancel,
	EventTimer:    (*Run).timerFired,
	EventHeld:     (*Run).hold,
	EventReleased: (*Run).hold,
	EventRetried:  (*Run).retried,
}

// takes tells whether an event of its chain fits the activation's state.
func (act *activation) takes(e *Event) bool {
	switch {
	case act.attempt != e.Attempt:
		return false
	case act.flows():
		return e.Type == EventFailed && e.Reason != "" && act.sub.verdict == nil
	case e.Type == EventFailed && (e.Reason == KindTimeout || e.Reason == KindInvalidInput):
		return false // of an attempt of a sub-flow, which is over
	case act.pause != nil:
		return e.Type == EventAnswered || e.Type == EventFailed && e.Reason != ""
	case e.Type == EventAnswered:
		return false
	}
	return !act.retrying || e.Reason == KindDeadline
}

func (r *Run) start(e *Event) bool {
	r.since = e.Time
	r.pin(e.Pins)
	r.traceAs(e.Trace)
	if e.events() != "" {
		r.rebase(e.Time)
		return true
	}
	r.input, r.status = e.Input, StatusRunning
	if r.input == nil {
		r.input = json.RawMessage("null")
	}
	r.note(Notice{Type: NoticeRunStarted, Value: r.input})
	r.open()
	return true
}

// traceAs gives the run's trace to all parts of it.
func (r *Run) traceAs(trace string) {
	r.trace = trace
	for _, act := range r.live { // of a run that goes on where another was
		for part := act.run; part != nil; part = part.above() {
			part.trace = trace
		}
	}
}

// above is the part whose sub-flow this is; nil of the whole.
func (r *Run) above() *Run {
	if r.outer == nil {
		return nil
	}
	return r.outer.run
}

// open activates the starts.
func (r *Run) open() {
	r.root.live++ // held until all starts are in
	starts := r.graph.starts
	r.expose(starts)
	for _, v := range starts {
		r.activate(r.root, arrival{vertex: v, input: r.input, override: true, why: "start"})
	}
	r.ended(r.root)
}

// rebase ends the folding of another run's events, from which this one goes on:
// its chains are empty, and it is not held. What bounds an activation begins anew.
func (r *Run) rebase(now time.Time) {
	r.held, r.stale = false, nil
	r.heldBack.take()
	r.gen++
	for _, t := range r.timed {
		t.group.expires = now.Add(t.run.groupTimeout(t.group))
	}
	for _, act := range r.live {
		act.rev = 0
		if d := act.delivery; d != nil {
			c := *d
			c.Rev, c.Sent, c.Claims, act.delivery = 0, 0, 0, &c
		}
		if act.pause != nil {
			act.pause = newPausing(act.pause.Pause, now)
		}
		if t := act.timing; t != nil {
			task := act.run.taskOf(act)
			t.deadline, t.queued, t.timeout = again(t.deadline, now, task.Deadline), again(t.queued, now, task.QueueTimeout), again(t.timeout, now, Duration(act.run.flowTimeout(act)))
		}
	}
}

// again is when a timer fires that begins anew; zero if there is none.
func again(was, now time.Time, d Duration) time.Time {
	if was.IsZero() {
		return was
	}
	return now.Add(time.Duration(d))
}

// pin keeps the digests of what tasks run.
func (r *Run) pin(pins map[string]string) {
	if len(pins) == 0 {
		return
	}
	all := make(map[string]string, len(r.pins)+len(pins)) // attempts read the one before
	maps.Copy(all, pins)
	maps.Copy(all, r.pins) // the first one of a name counts
	r.pins = all
}

func (r *Run) timerFired(e *Event) bool {
	if e.Reason == KindTimeout {
		return r.groupExpired(e)
	}
	act := r.live[e.Activation]
	if act == nil || !act.retrying || act.attempt+1 != e.Attempt {
		return false
	}
	act.retrying = false
	act.attempt++
	act.timing.retry = time.Time{}
	act.run.enqueue(act)
	return true
}

func (r *Run) taskNotice(t NoticeType, act *activation, e *Event) Notice {
	task := r.taskOf(act)
	n := Notice{Type: t, Task: task.ID, Activation: act.id, Handler: handlerName(task), Group: act.scope.groupName(), Attempt: act.attempt, Cycle: act.cycle}
	if e != nil {
		n.Value, n.Error, n.Started, n.Worker, n.Ledger = e.Value, e.Error, e.Started, e.Worker, e.Ledger
	}
	return n
}

func handlerName(t *Task) string {
	if t == nil {
		return ""
	}
	if t.Handler == "" {
		return "direct"
	}
	return t.Handler
}

// taskOf is the task that an activation runs.
func (r *Run) taskOf(act *activation) *Task {
	if act.recovery != nil {
		return act.recovery.task
	}
	return r.vertices[act.vertex].task
}

// retire takes an activation off the live ones.
func (r *Run) retire(act *activation) {
	delete(r.live, act.id)
	r.blocked.remove(act)
	r.heldBack.remove(act)
	act.delivery = nil
	waited := act.pause != nil
	r.resumed(act)
	if t := r.taskOf(act); waited || t.Deadline > 0 || t.QueueTimeout > 0 || t.Handler == FlowHandler {
		r.commands = append(r.commands, Command{Kind: CommandForget, Activation: act.id})
	}
}

// completed records a result with its effects, and lets follow what follows.
// recovered is the error that a fallback has made good.
func (r *Run) completed(act *activation, e *Event, recovered *TaskError) {
	r.steps++
	fx := &e.Effects
	if fx.Cancel != nil {
		r.canceledBy(act, e)
		return
	}
	r.pin(e.Pins)
	r.kept(e)
	r.filed(act, e)
	r.record(act, e)
	if r.observed {
		n := r.taskNotice(NoticeTaskSucceeded, act, e)
		n.Recovered = recovered
		r.note(n)
	}
	r.checkpoint(act, e)
	switch {
	case r.verdict != nil || act.scope.stopping():
		// Its run or its group is ending: the result counts, nothing follows.
		if r.leadsOn(act, fx) {
			act.scope.breakOff(broken{act: act, done: e})
		}
	case fx.Terminate != nil:
		r.terminate(act, e)
	default:
		r.follow(act, e)
	}
	r.ended(act.scope)
}

// leadsOn tells that something was to follow a result. Nothing follows what is called
// but what it asks for itself.
func (r *Run) leadsOn(act *activation, fx *Effects) bool {
	asks := len(fx.Next) > 0 || fx.Iterate != nil
	if r.calls != nil {
		return asks
	}
	return asks || len(r.vertices[act.vertex].out) > 0 || fx.Terminate != nil || act.holder != nil
}

// record keeps a value and the channel writes in the activation's scope.
func (r *Run) record(act *activation, e *Event) {
	s := act.scope
	value := e.Value
	if value == nil {
		value = json.RawMessage("null")
	}
	for _, op := range e.Effects.Channel {
		r.write(s, op)
	}
	s.output = value
	if act.isItem {
		return // an item's result is its map's, not its task's
	}
	r.setResult(s, act.vertex, &result{value: value})
	if int(act.vertex) >= len(r.graph.vertices) && s == r.root {
		r.last = value
	}
}

func (r *Run) setResult(s *scope, v int32, res *result) {
	s.results = s.results.set(v, res)
	if s.group != nil {
		s.finished = append(s.finished, finishedVertex{v, res})
	}
}

// write applies a channel operation; one that does not fit (its key has changed
// under it) is dropped with a warning.
func (r *Run) write(s *scope, op ChannelOp) {
	old, _ := s.channel.get(op.Key)
	v, err := ApplyOp(old, op)
	switch {
	case err != nil:
		r.warn(err.Error())
		return
	case v == nil:
		s.channel = s.channel.delete(op.Key)
	default:
		s.channel = s.channel.set(op.Key, v)
	}
	if s.group != nil {
		s.ops = append(s.ops, op)
	}
}
