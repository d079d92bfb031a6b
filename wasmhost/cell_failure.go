package wasmhost

import (
	"context"
	"errors"
	"fmt"
)

// Names of causes that cross the wire, in the order in which they are looked for.
var wireCauses = []struct {
	name  string
	cause error
}{
	{"service", errService},
	{"paused", ErrPaused},
	{"timeout", ErrTimeout},
	{"memory", ErrMemory},
	{"fuel", ErrFuel},
	{"stack", ErrStack},
	{"host_calls", ErrHostCalls},
	{"output_too_large", ErrOutputTooLarge},
	{"canceled", context.Canceled},
	{"image_mismatch", ErrImageMismatch},
	{"no_image", ErrNoImage},
}

// errService is in the chain of what a service outside of the cell failed with.
var errService = errors.New("a service failed")

// failureOf tells the host of a cell how a call has failed.
func failureOf(err error) *cellFailure {
	f := &cellFailure{Message: err.Error()}
	for _, c := range wireCauses {
		if errors.Is(err, c.cause) {
			f.Cause = c.name
			break
		}
	}
	var e *TrapError
	if !errors.As(err, &e) {
		return f
	}
	f.Trap, f.Kind, f.Message, f.Stack = true, e.Kind, e.Message, e.Stack
	f.Permanent, f.RetryAfter = e.Permanent, e.RetryAfter
	if denied, ok := errors.AsType[*DeniedError](e); ok {
		f.Denied = denied.Capability
	}
	return f
}

// failure is the error of a call that a cell tells of.
func (v *visit) failure(ctx context.Context, f *cellFailure) error {
	cause := v.cause(ctx, f)
	if !f.Trap {
		return &cellError{message: f.Message, cause: cause}
	}
	e := v.trap(f.Kind, f.Message, cause)
	e.Stack, e.Permanent, e.RetryAfter = f.Stack, f.Permanent, f.RetryAfter
	return e
}

// cause is what errors.Is finds in the error of a call.
func (v *visit) cause(ctx context.Context, f *cellFailure) error {
	if f.Denied != "" {
		return &DeniedError{Capability: f.Denied}
	}
	switch f.Cause {
	case "":
		return nil
	case "timeout":
		cause := context.Cause(ctx)
		if errors.Is(cause, ErrTimeout) {
			cause = nil
		}
		return errors.Join(ErrTimeout, context.DeadlineExceeded, cause)
	case "canceled":
		return errors.Join(context.Canceled, context.Cause(ctx))
	case "service", "paused":
		if v.failed != nil {
			return v.failed
		}
	}
	for _, c := range wireCauses {
		if c.name == f.Cause && c.cause != errService { //nolint:errorlint // the variable itself
			return c.cause
		}
	}
	return nil
}

// cellError is the error of a call that is the caller's.
type cellError struct {
	message string
	cause   error
}

func (e *cellError) Error() string { return e.message }
func (e *cellError) Unwrap() error { return e.cause }

func (v *visit) trap(kind, message string, cause error) *TrapError {
	return &TrapError{Kind: kind, Module: v.opt.Name, Export: v.export, Message: message, cause: cause}
}

// interrupted says how the context ended, as that of a call in this process would.
func (v *visit) interrupted(ctx context.Context) *TrapError {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrTimeout):
		return v.trap(KindTimeout, fmt.Sprintf("not done after %s", v.opt.Limits.Timeout), errors.Join(ErrTimeout, context.DeadlineExceeded))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return v.trap(KindTimeout, "the caller's deadline passed", errors.Join(ErrTimeout, context.DeadlineExceeded, cause))
	}
	return v.trap(KindCanceled, cause.Error(), errors.Join(context.Canceled, cause))
}
