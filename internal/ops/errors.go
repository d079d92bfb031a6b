package ops

import (
	"errors"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// Errors beside those of packages engine and internal/control.
var (
	// ErrDenied refuses what the caller's role is not for.
	ErrDenied = errors.New("not permitted")
	// ErrLimited refuses what is too much at once.
	ErrLimited = errors.New("too much at once")
	// ErrTaken refuses what another has the name of.
	ErrTaken = errors.New("the name is taken")
	// ErrUnavailable says that what is needed does not answer, as a cluster that
	// has no leader.
	ErrUnavailable = errors.New("not available now")
)

// Fault is one thing that is wrong with what was sent.
type Fault struct {
	Message string `json:"message"`
	Where   string `json:"where,omitempty"` // a path as tasks.fetch.retry, or line:column
}

// Invalid refuses what was sent, and says all that is wrong with it.
type Invalid struct {
	What   string // as "the flow"
	Faults []Fault
}

// Error implements error: all faults, a line each.
func (e *Invalid) Error() string {
	text := e.What + " is not valid"
	for _, f := range e.Faults {
		text += "\n"
		if f.Where != "" {
			text += f.Where + ": "
		}
		text += f.Message
	}
	return text
}

// Status is what kind of error it is, as an HTTP status: 4xx for what the caller
// asked wrongly, 503 for what may be asked again, 500 for faults.
func Status(err error) int {
	var invalid *Invalid
	switch {
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, ErrLimited):
		return http.StatusTooManyRequests
	case errors.Is(err, ErrTaken), errors.Is(err, ErrInUse):
		return http.StatusConflict
	case errors.Is(err, ErrUnavailable), errors.Is(err, engine.ErrUnreachable), errors.Is(err, engine.ErrBusy), errors.Is(err, engine.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return control.Status(err)
}
