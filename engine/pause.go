package engine

import (
	"encoding/json"
	"fmt"
	"time"
)

// pausing is what an activation waits for.
type pausing struct {
	*Pause
	since   time.Time
	expires time.Time // when a timer answers or fails it; zero: never
	reason  string    // of that timer
}

// Reasons of timers that end a pause.
const (
	reasonTimeout = "timeout" // the answer is Pause.Default, or the task fails
	reasonDue     = "due"     // Pause.Until or After has come: the answer is null
)

// Waiting is a pause that waits for somebody's answer.
type Waiting struct {
	Name       string          `json:"name"`
	Task       string          `json:"task"`
	Activation string          `json:"activation"`
	Message    string          `json:"message,omitempty"`
	Schema     json.RawMessage `json:"schema,omitempty"`
	Since      time.Time       `json:"since"`
	Expires    time.Time       `json:"expires,omitzero"` // when a timer ends it; zero: never
}

// pausedAt lets an activation wait: it holds no worker.
func (r *Run) pausedAt(act *activation, e *Event) {
	p := newPausing(e.Effects.Pause, e.Time)
	if r.ending(act) {
		r.stoppedAt(act, e)
		return
	}
	act.pause = p
	if act.timing != nil {
		act.timing.queued = time.Time{} // a worker had it
	}
	if p.Name != "" {
		r.waiting++
	}
	if r.observed {
		n := r.taskNotice(NoticeTaskPaused, act, e)
		n.Message, n.Value = p.Name, p.Schema
		r.note(n)
	}
	if !p.expires.IsZero() {
		r.commands = append(r.commands, r.pauseTimerOf(act))
	}
}

// stoppedAt ends an activation that would wait while its run, or its group, is
// ending.
func (r *Run) stoppedAt(act *activation, e *Event) {
	r.stopIdle(act, e)
}

// maxPauses is how often an activation may pause.
const maxPauses = 1000

// checkPause refuses a pause that can't be.
func (a *attempt) checkPause(p *Pause) error {
	refuse := func(format string, args ...any) error {
		message := fmt.Sprintf("task %q: pause %q: %s", a.delivery.Task.ID, p.Name, fmt.Sprintf(format, args...))
		return &TaskError{Kind: KindInvalidInput, Message: message, Permanent: true}
	}
	switch {
	case a.delivery.isRollback():
		return refuse("a rollback can't pause")
	case a.delivery.Answers[p.Name] != nil:
		return refuse("it has its answer; each pause of a task needs a name of its own")
	case len(a.delivery.Answers) >= maxPauses:
		return refuse("the task has paused %d times; let another task go on", maxPauses)
	case p.Name == "" && p.Until.IsZero() && p.After == 0:
		return refuse("it asks nobody, and needs until or after")
	case p.Default != nil && p.Timeout == 0:
		return refuse("its default is for a timeout, and it has none")
	case p.Timeout < 0 || p.After < 0:
		return refuse("its times must not be negative")
	case p.Default != nil && !json.Valid(p.Default):
		return refuse("its default is not JSON: %s", short(p.Default))
	case p.Schema != nil && !json.Valid(p.Schema):
		return refuse("its schema is not JSON: %s", short(p.Schema))
	}
	return nil
}

// newPausing finds the timer that ends a pause first.
func newPausing(p *Pause, since time.Time) *pausing {
	w := &pausing{Pause: p, since: since}
	due := func(at time.Time, reason string) {
		if w.expires.IsZero() || at.Before(w.expires) {
			w.expires, w.reason = at, reason
		}
	}
	if p.After > 0 || p.Name == "" && p.Until.IsZero() {
		due(since.Add(time.Duration(p.After)), reasonDue)
	}
	if !p.Until.IsZero() {
		due(p.Until, reasonDue)
	}
	if p.Timeout > 0 {
		due(since.Add(time.Duration(p.Timeout)), reasonTimeout)
	}
	return w
}

func (r *Run) pauseTimerOf(act *activation) Command {
	p := act.pause
	return Command{Kind: CommandPause, Activation: act.id, Attempt: act.attempt, After: max(0, p.expires.Sub(p.since)), At: p.expires, Reason: p.reason}
}

// answer lets an activation go on: its attempt is executed again, with the same
// input.
func (r *Run) answer(act *activation, e *Event) {
	if act.pause.Name != "" {
		if r.answered == nil {
			r.answered = map[string]bool{}
		}
		r.answered[act.pause.Name], r.answered[act.id] = true, true // it may be called by both
	}
	r.resumed(act)
	answers := map[string]json.RawMessage{e.Pause: e.Value} // a map of its own: deliveries share the old one
	for name, v := range act.answers {
		answers[name] = v
	}
	act.answers = answers
	if r.observed {
		n := r.taskNotice(NoticeTaskResumed, act, e)
		n.Message, n.Why = e.Pause, e.Reason
		r.note(n)
	}
	r.commands = append(r.commands, Command{Kind: CommandForget, Activation: act.id})
	if act.timing != nil && !act.timing.deadline.IsZero() {
		c := r.deadlineOf(act)
		c.After = 0 // some of it has gone by
		r.commands = append(r.commands, c)
	}
	d := *act.delivery
	d.Rev, d.Sent, d.Claims, d.Answers = act.rev, act.rev, 0, act.answers
	r.dispatch(act, &d)
}

// resumed ends the waiting of an activation, if it waits.
func (r *Run) resumed(act *activation) {
	if act.pause != nil && act.pause.Name != "" {
		r.waiting--
	}
	act.pause = nil
}

// paused tells that nothing can go on until somebody answers.
func (r *Run) paused() bool {
	return r.status == StatusRunning && r.waiting > 0 && r.waiting == len(r.live)-r.blocked.size-r.flows
}

// pauses lists what waits for somebody, in the order in which it became ready.
func (r *Run) pauses() []Waiting {
	var all []Waiting
	for _, act := range r.inOrder() {
		if p := act.pause; p != nil && p.Name != "" {
			all = append(all, Waiting{
				Name: p.Name, Task: act.run.taskOf(act).ID, Activation: act.id, Message: p.Message,
				Schema: p.Schema, Since: p.since, Expires: p.expires,
			})
		}
	}
	return all
}

// CheckpointInfo tells of a checkpoint of a run.
type CheckpointInfo struct {
	Name       string          `json:"name"`
	Seq        uint64          `json:"seq"` // of the event after which it is
	Time       time.Time       `json:"time"`
	Activation string          `json:"activation"`
	Meta       json.RawMessage `json:"meta,omitempty"`

	events int // how many there were then, those of what it is based on included
}

// checkpoint keeps the checkpoints that a task asked for.
func (r *Run) checkpoint(act *activation, e *Event) {
	for _, c := range e.Effects.Checkpoints {
		info := CheckpointInfo{Name: c.Name, Seq: e.Seq, Time: e.Time, Activation: act.id, Meta: c.Meta, events: int(r.tick)}
		if info.Name == "" {
			info.Name = fmt.Sprintf("checkpoint-%d", len(r.checkpoints)+1)
		}
		r.checkpoints = append(r.checkpoints, info)
		n := r.taskNotice(NoticeCheckpoint, act, nil)
		n.Message, n.Value = info.Name, info.Meta
		r.note(n)
	}
}
