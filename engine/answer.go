package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of answers to pauses.
var (
	// ErrNoPause refuses an answer to a name that no pause has.
	ErrNoPause = errors.New("no pause of that name")
	// ErrAnswered refuses a second answer.
	ErrAnswered = errors.New("the pause has its answer")
	// ErrInvalidAnswer refuses an answer that does not fit the pause's schema.
	ErrInvalidAnswer = errors.New("the answer does not fit")
	// ErrAmbiguous refuses an answer that several pauses could get.
	ErrAmbiguous = errors.New("several pauses have that name")
	// ErrNotPaused refuses an answer to a run in which nothing waits for one.
	ErrNotPaused = errors.New("nothing waits for an answer")
)

// Resume answers the pause of that name, or the one of the activation of that id;
// "" is the only one that waits. The task goes on with the answer, JSON; nil is
// null. It returns ErrNotPaused, ErrNoPause, ErrAnswered, ErrInvalidAnswer,
// ErrAmbiguous or ErrFinished, and then nothing has changed.
func (o *Running) Resume(name string, answer json.RawMessage) error {
	if o.far {
		return o.through(func(near *Running) error { return near.Resume(name, answer) })
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.closed(); err != nil {
		return err
	}
	act, err := o.run.waitingFor(name)
	if err == nil && act.pause.isOver(o.engine.now()) {
		over := act.pause.expires
		o.endPause(act) // its timer is about to
		return fmt.Errorf("run %q: resume %q: %w: its time was over at %s", o.id, name, ErrAnswered, over.Format(time.RFC3339))
	}
	if err == nil {
		answer, err = o.engine.checkAnswer(act.pause, answer)
	}
	if err != nil {
		return fmt.Errorf("run %q: resume: %w", o.id, err)
	}
	e := &Event{Type: EventAnswered, Pause: act.pause.Name, Value: answer}
	if err = o.commitFor(act, e); errors.Is(err, ErrConflict) {
		return fmt.Errorf("run %q: resume %q: %w", o.id, e.Pause, ErrAnswered)
	}
	return err
}

// waitingFor finds the activation that waits for an answer to a pause.
func (r *Run) waitingFor(name string) (*activation, error) {
	var found []*activation
	waiting := 0
	for _, act := range r.inOrder() {
		if act.pause == nil || act.pause.Name == "" {
			continue
		}
		waiting++
		if name == "" || act.id == name || act.pause.Name == name {
			found = append(found, act)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("%w: name one of %s", ErrAmbiguous, listPauses(found))
	case r.answered[name]:
		return nil, fmt.Errorf("%q: %w", name, ErrAnswered)
	case waiting == 0:
		return nil, ErrNotPaused
	}
	return nil, fmt.Errorf("%q: %w: there are %s", name, ErrNoPause, listPauses(r.inOrder()))
}

func listPauses(acts []*activation) string {
	var all []string
	for _, act := range acts {
		if p := act.pause; p != nil && p.Name != "" {
			all = append(all, fmt.Sprintf("%s (activation %s)", p.Name, act.id))
		}
	}
	return strings.Join(all, ", ")
}

// checkAnswer returns the answer in its compact form.
func (e *Engine) checkAnswer(p *pausing, answer json.RawMessage) (json.RawMessage, error) {
	if answer == nil {
		answer = json.RawMessage("null")
	}
	if !json.Valid(answer) {
		return nil, fmt.Errorf("%q: %w: it is not JSON: %s", p.Name, ErrInvalidAnswer, short(answer))
	}
	if err := checkSchema(e.cfg.CheckSchema, p.Schema, answer); err != nil {
		return nil, fmt.Errorf("%q: %w: %w", p.Name, ErrInvalidAnswer, err)
	}
	return answer, nil
}

// checkSchema checks a value against a schema, if there is one.
func checkSchema(check func(schema, value json.RawMessage) error, schema, value json.RawMessage) error {
	switch {
	case schema == nil:
		return nil
	case check == nil:
		return errors.New("there is a schema, and nothing to check it with: set Config.CheckSchema")
	}
	return check(schema, value)
}

// commitFor appends an event to the chain of an activation that no worker holds,
// and folds it. ErrConflict says that another was first. The caller holds mu.
func (o *Running) commitFor(act *activation, e *Event) error {
	e.Time, e.Activation, e.Attempt = o.engine.now(), act.id, act.attempt
	_, err := o.engine.backend.Journal.Append(o.engine.ctx, o.id, act.id, act.rev, e)
	if errors.Is(err, ErrConflict) {
		if foldErr := o.giveUpOn(o.fold(false)); foldErr != nil {
			return foldErr
		}
		return err
	}
	if err != nil {
		return o.giveUpOn(fmt.Errorf("run %q: append %s: %w", o.id, e.Type, err))
	}
	return o.giveUpOn(o.fold(false))
}

// expirePause is the end of a pause's timer.
func (o *Running) expirePause(c Command) {
	o.mu.Lock()
	defer o.mu.Unlock()
	act := o.run.live[c.Activation]
	if o.closed() != nil || act == nil || act.pause == nil || !act.pause.expires.Equal(c.At) {
		return
	}
	o.endPause(act)
}

// isOver tells that a timer is to end the pause.
func (p *pausing) isOver(now time.Time) bool { return !p.expires.IsZero() && !now.Before(p.expires) }

// endPause does what a pause's timer is for. The caller holds mu.
func (o *Running) endPause(act *activation) {
	p := act.pause
	e := &Event{Type: EventAnswered, Pause: p.Name, Value: json.RawMessage("null"), Reason: p.reason}
	switch {
	case p.reason != reasonTimeout:
	case p.Default != nil:
		e.Value = p.Default
	default:
		message := fmt.Sprintf("task %q: nobody answered pause %q within %s", act.run.taskOf(act).ID, p.Name, time.Duration(p.Timeout))
		e = &Event{Type: EventFailed, Reason: KindPauseTimeout, Error: &TaskError{Kind: KindPauseTimeout, Message: message}}
	}
	if err := o.commitFor(act, e); err != nil && !errors.Is(err, ErrConflict) && o.engine.ctx.Err() == nil {
		o.engine.cfg.Logger.Error("end of a pause", "run", o.id, "activation", act.id, "err", err)
	}
}
