package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Kinds of the errors of tasks in containers, beside those of the engine and those
// that a task fails with itself. What may pass by itself is not permanent.
const (
	KindUnavailable  = "docker_unavailable" // no daemon answers
	KindImageMissing = "image_missing"      // the image is not here, and may not be pulled or is nowhere
	KindImagePull    = "image_pull"         // its registry refused, or did not answer
	KindNoGPU        = "no_gpu"             // the daemon has no driver for the devices asked for
	KindCommand      = "command"            // the command can't be started
	KindExit         = "exit"               // the command ended with another status than 0
	KindMemory       = wasmhost.KindMemory
	KindOutput       = wasmhost.KindOutputTooLarge
	KindHostCalls    = wasmhost.KindHostCalls
	KindNoResult     = "no_result" // the file that was to have the result can't be read
)

// attemptError is what an attempt failed with, in the handler's own words.
type attemptError struct {
	kind      string
	permanent bool
	cause     error
}

func (e *attemptError) Error() string { return e.cause.Error() }
func (e *attemptError) Unwrap() error { return e.cause }

// passing is an error that may not be there at the next attempt.
func passing(kind, format string, args ...any) error {
	return &attemptError{kind: kind, cause: fmt.Errorf(format, args...)}
}

// lasting is an error that is there until somebody does something about it.
func lasting(kind, format string, args ...any) error {
	return &attemptError{kind: kind, permanent: true, cause: fmt.Errorf(format, args...)}
}

// ofDaemon is the error of a call of the daemon.
func ofDaemon(doing string, err error) error {
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case client.IsErrConnectionFailed(err), strings.Contains(text, "connect: permission denied"), strings.Contains(text, "EOF"):
		return passing(KindUnavailable, "%s: %w; start the Docker daemon, or name another with DOCKER_HOST; graflow-wasm doctor tells more", doing, err)
	case strings.Contains(text, "could not select device driver"), strings.Contains(text, "nvidia-container"),
		strings.Contains(text, "CDI device"), strings.Contains(text, "unresolvable"):
		return lasting(KindNoGPU, "%s: no GPU, or other device, as asked for: %w; run the task on a worker that has one (requires), install its container toolkit, or give the task a fallback", doing, err)
	case errdefs.IsNotFound(err) && strings.Contains(text, "No such image"):
		return lasting(KindImageMissing, "%s: %w", doing, err)
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "exec: "),
		strings.Contains(text, "exec format error"), strings.Contains(text, "chdir to cwd"), strings.Contains(text, "Cannot mkdir"):
		return lasting(KindCommand, "%s: the image has no such program, or it can't be executed: %w; look at command, entrypoint and workdir", doing, err)
	case errdefs.IsInvalidArgument(err):
		return lasting(engine.KindInvalidInput, "%s: the daemon refuses it: %w", doing, err)
	}
	return passing(engine.KindError, "%s: %w", doing, err)
}

// failure translates what an attempt ended with.
func failure(ctx context.Context, call *engine.Call, err error) *engine.TaskError {
	failed := &engine.TaskError{
		Kind: engine.KindError, Message: fmt.Sprintf("task %q: %v", call.Task.ID, err), Task: call.Task.ID, Err: err,
	}
	var own *attemptError
	var limit *lines.LimitError
	var task *engine.TaskError
	switch {
	case errors.As(err, &task):
		failed.Kind, failed.Permanent, failed.RetryAfter, failed.Stack = task.Kind, task.Permanent, task.RetryAfter, task.Stack
	case errors.As(err, &own):
		failed.Kind, failed.Permanent = own.kind, own.permanent
	case errors.As(err, &limit):
		failed.Kind, failed.Permanent = limit.Kind, true
	case errors.Is(err, errTimeLimit), errors.Is(ctx.Err(), context.DeadlineExceeded):
		failed.Kind = engine.KindTimeout
	case ctx.Err() != nil:
		failed.Kind = engine.KindCanceled
	}
	return failed
}

// invalid is the error of a task that no attempt can run.
func invalid(call *engine.Call, err error) *engine.TaskError {
	kind := engine.KindInvalidInput
	var task *engine.TaskError
	if errors.As(err, &task) {
		kind = task.Kind
	}
	return &engine.TaskError{
		Kind: kind, Message: fmt.Sprintf("task %q: %v", call.Task.ID, err),
		Task: call.Task.ID, Permanent: true, Err: err,
	}
}
