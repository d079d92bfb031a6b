package script

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// hopeless is the error of a task that no further attempt can run.
func hopeless(call *engine.Call, err error) *engine.TaskError {
	return &engine.TaskError{Kind: engine.KindError, Message: fmt.Sprintf("task %q: %v", call.Task.ID, err), Task: call.Task.ID, Permanent: true, Err: err}
}

// failure translates an error of the sandbox or of a service.
func failure(ctx context.Context, call *engine.Call, err error) *engine.TaskError {
	failed := hopeless(call, err)
	var code *script.Error
	var own *engine.TaskError
	switch {
	case errors.As(err, &code):
		failed.Kind, failed.Stack = code.Kind, strings.TrimRight(code.Traceback, "\n")
		failed.Permanent = code.Permanent || code.Kind == script.KindSyntax
		failed.RetryAfter = code.RetryAfter
		if errors.As(err, &own) { // a service ended the code with it
			failed.Kind, failed.Permanent, failed.RetryAfter = own.Kind, own.Permanent, own.RetryAfter
		}
		if denied := (*wasmhost.DeniedError)(nil); errors.As(err, &denied) {
			failed.Message += ": " + denied.Error()
		}
	case errors.As(err, &own):
		failed.Kind, failed.Permanent, failed.RetryAfter = own.Kind, own.Permanent, own.RetryAfter
	case ctx.Err() != nil:
		failed.Kind, failed.Permanent = engine.KindCanceled, false
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			failed.Kind = engine.KindTimeout
		}
	case errors.Is(err, wasmhost.ErrClosed):
		failed.Permanent = false
	}
	return failed
}
