package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TaskCall is one call of a task by another.
type TaskCall struct {
	// ID is one of the caller's Tools. With Task it only names the call.
	ID string `json:"id"`
	// Task, when set, is a task that no graph has.
	Task  *Task           `json:"task,omitempty"`
	Input json.RawMessage `json:"input,omitempty"` // nil is null
}

// TaskAnswer is how a task ended that was called: with a value or an error.
type TaskAnswer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error *TaskError      `json:"error,omitempty"`
}

// Called are tasks that were called at once, and how they ended.
type Called struct {
	Calls   []TaskCall
	Answers []TaskAnswer
	Time    time.Time // when all had ended, as the journal has it
}

// failed tells that a task was called in vain.
func (c Called) failed() bool {
	return slices.ContainsFunc(c.Answers, func(a TaskAnswer) bool { return a.Error != nil })
}

// calling is what an activation has called.
type calling struct {
	since    time.Time
	record   []Called
	called   bool       // it has called, in this attempt or an earlier one
	blobs    []string   // to which answers refer
	asked    []TaskCall // it waits for them
	delivery *Delivery  // of the attempt that asked
}

// maxCalls is how many tasks may be called at once.
const maxCalls = 1000

// callsTasks tells that the activation waits for tasks that it has called.
func (act *activation) callsTasks() bool { return act.calls != nil && act.calls.asked != nil }

// recall gives an attempt that begins what the activation has called before: all up
// to the first call that has failed, which is made again.
func (r *Run) recall(act *activation, d *Delivery) {
	if len(d.Task.Tools) == 0 {
		return
	}
	if act.calls == nil {
		act.calls = &calling{since: r.now.Time}
	}
	if i := slices.IndexFunc(act.calls.record, Called.failed); i >= 0 {
		act.calls.record = act.calls.record[:i:i] // deliveries share what was there
	}
	d.Called, d.Since = act.calls.record, act.calls.since
}

// blobsOf are the blobs that a delivery refers to.
func (r *Run) blobsOf(d *Delivery) []string {
	all := r.blobsIn(d.Input)
	if len(d.Called) > 0 {
		all = append(all, r.live[d.Activation].calls.blobs...)
	}
	return all
}

// calledAt lets an activation wait for the tasks that it has called: a sub-flow whose
// only group they are. It holds no worker.
func (r *Run) calledAt(act *activation, e *Event) {
	if r.ending(act) {
		r.stopIdle(act, e)
		return
	}
	r.pin(e.Pins)
	if act.calls == nil {
		act.calls = &calling{since: e.Time}
	}
	c := act.calls
	batch := strconv.Itoa(len(c.record) + 1)
	g, err := r.graph.calling(batch, e.Effects.Calls)
	if err == nil && r.callDepth() == maxFlowDepth {
		err = fmt.Errorf("calls within calls nest deeper than %d", maxFlowDepth)
	}
	if err != nil { // the depth: all else was checked before it was committed
		r.applyTo(act, &Event{Type: EventFailed, Time: e.Time, Attempt: act.attempt, Started: e.Started, Error: &TaskError{Kind: KindInvalidInput, Message: err.Error(), Permanent: true}})
		return
	}
	c.called, c.asked, c.delivery, act.delivery = true, e.Effects.Calls, act.delivery, nil
	if act.timing != nil {
		act.timing.queued = time.Time{} // a worker had it
	}
	prefix := act.id + "/"
	if act.attempt > 1 {
		prefix = act.id + "~" + strconv.Itoa(act.attempt) + "/"
	}
	sub := r.newRun(g, prefix, r)
	if e.Trace != "" {
		sub.caller = e.Trace
	}
	sub.outer, sub.calls, sub.input, sub.status, sub.began = act, c.asked, r.input, StatusRunning, e.Time
	act.sub, act.ordinal = sub, r.ordinal
	r.ordinal++
	r.flows++
	if r.observed {
		n := r.taskNotice(NoticeTaskCalled, act, e)
		n.Message, n.Total = callNames(c.asked), float64(len(c.asked))
		r.note(n)
	}
	sub.open()
}

// callDepth is how many callers wait for the run's end, one for the other.
func (r *Run) callDepth() int {
	n := 0
	for ; r.outer != nil; r = r.outer.run {
		if r.calls != nil {
			n++
		}
	}
	return n
}

// callsExceed ends calls that ask for one superstep too many.
func (r *Run) callsExceed(members []*scope, limit int) {
	for _, s := range members {
		s.err = cycleLimit(r.calls[s.member].ID, r.outer.id, limit)
		s.group.failed++
	}
}

// callNames are the names of what is called, each once.
func callNames(calls []TaskCall) string {
	var all []string
	for _, c := range calls {
		if !slices.Contains(all, c.ID) {
			all = append(all, c.ID)
		}
	}
	return strings.Join(all, ", ")
}

// callsEnded executes the caller again, with what its calls came to.
func (r *Run) callsEnded(act *activation) {
	c, sub := act.calls, act.sub
	answers, delivery := sub.answers(), c.delivery
	asked := c.asked
	r.flows--
	act.sub, c.asked, c.delivery = nil, nil, nil
	e := &Event{Type: EventFailed, Time: r.now.Time, Seq: r.now.Seq, Attempt: act.attempt, Started: sub.began}
	switch v := sub.verdict; {
	case act.stopping && (v == nil || v.err == nil):
		e.Type = EventStopped
		r.stopIdle(act, e)
		return
	case v != nil && v.reason == ReasonCanceled:
		message := fmt.Sprintf("%s, called by %s", v.message, act.id)
		e.Effects.Cancel, e.Error = &message, &TaskError{Kind: KindCanceled, Message: message}
	case v != nil && v.err != nil:
		e.Error = v.err
	default:
		c.record = append(c.record, Called{Calls: asked, Answers: answers, Time: r.now.Time})
		for _, a := range answers {
			c.blobs = append(c.blobs, r.blobsIn(a.Value)...)
		}
		if r.observed {
			n := r.taskNotice(NoticeTaskResumed, act, nil)
			n.Why, n.Total = "its calls have ended", float64(len(asked))
			r.note(n)
		}
		d := *delivery
		d.Rev, d.Sent, d.Claims, d.Called, d.pins = act.rev, act.rev, 0, c.record, r.pins
		r.dispatch(act, &d)
		return
	}
	if act.recovery != nil {
		r.recoveryEnded(act, e)
		return
	}
	r.failedAttempt(act, e)
}

// answers are how the calls of a sub-flow ended.
func (r *Run) answers() []TaskAnswer {
	all := make([]TaskAnswer, len(r.calls))
	for i, call := range r.calls {
		all[i] = r.answerOf(i, call.ID)
	}
	return all
}

// answerOf is how a call ended: the value of its task, unless that, or what it has
// asked for, has failed or was stopped.
func (r *Run) answerOf(i int, id string) TaskAnswer {
	if r.batch == nil { // it was stopped before it began
		return TaskAnswer{Error: notDone(id)}
	}
	s := r.batch.members[i]
	res := s.results.get(r.vertices[r.batch.vertex].starts[i][0])
	switch {
	case s.err != nil:
		return TaskAnswer{Error: s.err}
	case !s.succeeded() || res == nil:
		return TaskAnswer{Error: notDone(id)}
	}
	return TaskAnswer{Value: res.value}
}

func notDone(id string) *TaskError {
	return &TaskError{Kind: KindCanceled, Message: fmt.Sprintf("task %q was stopped: another that was called with it has ended them all", id)}
}
