package wasm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// describe names what an error is about.
func describe(task string, ref reference) string {
	text := fmt.Sprintf("task %q", task)
	if ref.module != "" {
		text += fmt.Sprintf(": module %q", ref.called())
	}
	if ref.export != "" {
		text += fmt.Sprintf(" export %q", ref.export)
	}
	return text
}

// hopeless is the error of a task that no further attempt can run.
func hopeless(call *engine.Call, ref reference, err error) *engine.TaskError {
	return &engine.TaskError{
		Kind: engine.KindError, Message: describe(call.Task.ID, ref) + ": " + err.Error(),
		Task: call.Task.ID, Permanent: true, Err: err,
	}
}

// failure translates an error of the host, of Modules or of a service.
func failure(ctx context.Context, call *engine.Call, ref reference, err error) *engine.TaskError {
	failed := hopeless(call, ref, err)
	var trap *wasmhost.TrapError
	var registry *registryError
	switch {
	case errors.As(err, &trap):
		failed.Kind = trap.Kind
		failed.Message = describe(call.Task.ID, ref) + ": " + trap.Message
		failed.Stack = strings.Join(trap.Stack, "\n")
		failed.Permanent = trap.Permanent || trap.Kind == wasmhost.KindNoExport
		failed.RetryAfter = trap.RetryAfter
		passOn(failed, trap)
		if denied := (*wasmhost.DeniedError)(nil); errors.As(trap, &denied) {
			failed.Message += ": " + denied.Error()
		}
	case ctx.Err() != nil:
		failed.Kind, failed.Permanent = engine.KindCanceled, false
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			failed.Kind = engine.KindTimeout
		}
	case errors.Is(err, wasmhost.ErrClosed), errors.As(err, &registry):
		failed.Permanent = false
	case errors.Is(err, ErrTampered):
		failed.Kind = KindTampered
	}
	return failed
}

// passOn keeps the kind of a task error that a service stopped the guest with.
func passOn(failed *engine.TaskError, trap *wasmhost.TrapError) {
	var cause *engine.TaskError
	if errors.As(trap, &cause) {
		failed.Kind, failed.Permanent, failed.RetryAfter = cause.Kind, cause.Permanent, cause.RetryAfter
	}
}
