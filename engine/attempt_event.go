package engine

import (
	"context"
	"errors"
	"fmt"
)

// event is the record of how the attempt ended.
func (a *attempt) event(result Result, err error) *Event {
	d := a.delivery
	e := &Event{Time: a.engine.now(), Activation: d.Activation, Attempt: d.Attempt, Started: a.started, Worker: a.engine.cfg.Name, Ledger: result.Ledger}
	if err == nil {
		err = a.check(&result, e)
	}
	if err == nil && result.Effects.Pause != nil && result.Effects.Cancel == nil {
		e.Type, e.Effects = EventPaused, Effects{Pause: result.Effects.Pause}
		return e
	}
	if err == nil && len(result.Effects.Calls) > 0 && result.Effects.Cancel == nil {
		e.Type, e.Effects, e.Trace = EventCalled, Effects{Calls: result.Effects.Calls}, result.trace
		e.pinAll(result.Pins)
		return e
	}
	if err == nil {
		err = a.keep(&result, e)
	}
	if err == nil {
		e.Type, e.Value, e.Effects, e.Files = EventCompleted, result.Value, result.Effects, result.Files
		e.pinAll(result.Pins)
		return e
	}
	cause := a.endedBy()
	if errors.Is(cause, errStopped) || err == errStopped { //nolint:errorlint // as it is: another attempt's may be wrapped in what they shared
		e.Type = EventStopped
		return e
	}
	if errors.Is(cause, errHandedBack) || err == errHandedBack { //nolint:errorlint // likewise
		e.Type = EventReturned
		return e
	}
	e.Type = EventFailed
	e.Effects.Cancel = result.Effects.Cancel
	e.Error = a.taskError(err, cause)
	if errors.Is(e.Error, errWorkersLost) {
		e.Reason = KindWorkerLost
	}
	return e
}

// endedBy is what ended the attempt from outside; nil if nothing has.
func (a *attempt) endedBy() error {
	if a.ctx == nil || a.ctx.Err() == nil {
		return nil
	}
	return context.Cause(a.ctx)
}

func (a *attempt) taskError(err, cause error) *TaskError {
	t := a.delivery.Task
	switch {
	case errors.Is(cause, errTimeout):
		return &TaskError{Kind: KindTimeout, Message: fmt.Sprintf("task %q exceeded its timeout of %s", t.ID, a.delivery.timeout()), Err: errTimeout}
	case errors.Is(cause, errDeadline):
		return expired(t, KindDeadline)
	}
	if te, ok := errors.AsType[*TaskError](err); ok {
		if te.Message == err.Error() {
			return te
		}
		c := *te // wrapped on its way: the wrapping says more
		c.Message, c.Err = err.Error(), err
		return &c
	}
	return &TaskError{Kind: KindError, Message: err.Error(), Err: err}
}
