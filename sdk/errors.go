package sdk

import (
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// Kinds of failure that the SDK itself reports. A guest is free to name more.
const (
	KindError        = "error"         // any error without a kind
	KindInvalidInput = "invalid_input" // the input is not what the task takes
	KindPanic        = "panic"         // the task panicked
	KindDenied       = "denied"        // a host call was refused for want of a grant
)

// Error is a failure with what the engine needs to know of it. Fail, Permanent
// and RetryAfter make them; errors.As finds them.
type Error struct {
	Kind       string        // "" leaves the kind to the wrapped errors
	Err        error         // what went wrong; never nil
	Permanent  bool          // retrying is of no use
	RetryAfter time.Duration // wait this long before the next attempt; 0 leaves it to the task's policy
}

// Error is the text of the wrapped error; the kind travels beside it.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// Fail makes an error of a kind, with a message made as by fmt.Errorf.
func Fail(kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// Permanent marks err: the engine does not retry the task. It keeps err's kind,
// and nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, Permanent: true}
}

// RetryAfter marks err: the next attempt, if there is one, starts no sooner
// than d from now, in milliseconds rounded up. It keeps err's kind, and nil
// stays nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err, RetryAfter: d}
}

// Failure is an error as the host is told of it.
type Failure struct {
	Kind       string
	Message    string
	Permanent  bool
	RetryAfter time.Duration
}

// failureOf gathers what the chain of err says: the outermost kind, whether any
// part is permanent, the outermost delay.
func failureOf(err error) Failure {
	f := Failure{Message: err.Error()}
	var e *Error
	for rest := err; errors.As(rest, &e); rest = e.Err {
		if f.Kind == "" {
			f.Kind = e.Kind
		}
		if f.RetryAfter == 0 {
			f.RetryAfter = e.RetryAfter
		}
		f.Permanent = f.Permanent || e.Permanent
	}
	if f.Kind == "" && errors.Is(err, abi.Denied) {
		f.Kind, f.Permanent = KindDenied, true
	}
	if f.Kind == "" {
		f.Kind = KindError
	}
	return f
}

// flags packs the failure as abi.FuncFail wants it.
func (f Failure) flags() int64 {
	wait := max(0, f.RetryAfter+time.Millisecond-1)
	flags := wait.Milliseconds() << abi.FailRetryAfterShift
	if f.Permanent {
		flags |= abi.FailPermanent
	}
	return flags
}
