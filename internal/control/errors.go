package control

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
)

// Errors of a desk, beside those of the engine.
var (
	// ErrDriven refuses what is for runs that stand still.
	ErrDriven = errors.New("the run is going on")
	// ErrUnfinished refuses to remove a run that has not ended.
	ErrUnfinished = errors.New("the run has not ended")
	// ErrGone says that the process at the other end of the socket has ended,
	// or does not answer.
	ErrGone = errors.New("the process that has the state directory open does not answer")
	// ErrSilent says that a process listens, and answers nothing.
	ErrSilent = errors.New("process does not answer")
	// ErrUnanswered is an ErrGone before anything came back: the process ends, or
	// has ended, and most likely has not done what it was asked.
	ErrUnanswered = fmt.Errorf("%w", ErrGone)
)

// Error is an error that came through a socket, with the text that it has there.
type Error struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

var statuses = []struct {
	status int
	errs   []error
}{
	{http.StatusUnprocessableEntity, []error{
		engine.ErrInvalidAnswer, engine.ErrTruncated, engine.ErrCorrupt, engine.ErrVersion, engine.ErrModule,
	}},
	{http.StatusConflict, []error{
		engine.ErrAnswered, engine.ErrAmbiguous, engine.ErrNotPaused, engine.ErrFinished, engine.ErrNotRetryable,
		engine.ErrRunExists, ErrDriven, ErrUnfinished,
	}},
	{http.StatusNotFound, []error{engine.ErrNotFound, engine.ErrNoPause}},
}

// Status is what kind of error it is, as an HTTP status: 4xx for what the caller
// asked wrongly, 500 for faults.
func Status(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	for _, s := range statuses {
		for _, one := range s.errs {
			if errors.Is(err, one) {
				return s.status
			}
		}
	}
	return http.StatusInternalServerError
}
