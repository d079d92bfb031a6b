package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"unicode/utf8"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// graceful tells whether what ends with ctx gets time to clean up: not what has
// broken a limit, and not what pauses.
func graceful(ctx context.Context) bool { return !ours(context.Cause(ctx)) }

// ours tells whether a cause is of the attempt's own making.
func ours(cause error) bool {
	var limit *lines.LimitError
	var task *engine.TaskError
	var own *attemptError
	return errors.Is(cause, wasmhost.ErrPaused) || errors.As(cause, &limit) || errors.As(cause, &task) || errors.As(cause, &own)
}

// isClosed tells whether a stream has come to its end. One to a local daemon is
// reset, once all in it has been read, where the daemon ends it while input that
// nobody read is left.
func isClosed(err error) bool {
	var socket *net.OpError
	reset := errors.As(err, &socket) && socket.Net == "unix" && errors.Is(err, syscall.ECONNRESET)
	return reset || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF)
}

// judge makes the attempt's result of how its command ended, of what it left, and of
// what went wrong.
func (a *attempt) judge(ctx context.Context, end ended, outcome lines.Outcome, err error) (engine.Result, error) {
	effects := a.effects.Effects()
	failed := engine.Result{Effects: engine.Effects{Cancel: effects.Cancel}}
	if cause := context.Cause(ctx); cause != nil && ours(cause) {
		err = cause // and not what came of it
	} else if err == nil && outcome.Err != nil {
		err = outcome.Err
	}
	switch {
	case errors.Is(err, wasmhost.ErrPaused):
		failed.Effects.Pause = effects.Pause
		return failed, nil
	case err != nil:
		return failed, err
	case end.outOfMemory && end.exit != 0:
		return failed, lasting(KindMemory, "the container ran out of memory: limits.memory is %d bytes, all processes and trees in memory counted; exit code %d%s", a.settings.limits.Memory, end.exit, a.lastLine())
	case end.killed:
		return failed, passing(KindMemory, "the container was killed, by nobody who told the daemon to: most likely it ran out of memory, see limits.memory, %d bytes; exit code %d%s", a.settings.limits.Memory, end.exit, a.lastLine())
	case outcome.Failure != nil:
		f := outcome.Failure
		return failed, &engine.TaskError{Kind: f.Kind, Message: f.Message, Permanent: f.Permanent, RetryAfter: f.RetryAfter, Stack: f.Stack}
	case end.exit != 0:
		return failed, passing(KindExit, "exit code %d%s", end.exit, a.lastLine())
	}
	value, err := a.value(outcome)
	if err != nil {
		return failed, err
	}
	result := engine.Result{Value: value, Effects: effects}
	for _, f := range outcome.Files {
		result.Files = append(result.Files, engine.File{Digest: f.Digest, Name: f.Name, Size: f.Size})
	}
	return result, nil
}

// lastLine is what the command said last, to go on with in an error.
func (a *attempt) lastLine() string {
	a.errLog.flush()
	if line := a.log.lastLine(); line != "" {
		return ": " + line
	}
	return ""
}

// value is the attempt's result: what was sent as one, else what was printed if that
// is to be it. With files_out it is told with the files.
func (a *attempt) value(outcome lines.Outcome) (json.RawMessage, error) {
	raw, text := outcome.Output, outcome.Raw
	switch {
	case a.stdout != nil && raw == nil:
		raw, text = a.stdout.kept, true
	case a.stdout != nil && len(a.stdout.kept) > 0: // then it is no result, but told all the same
		_, _ = a.outLog.Write(a.stdout.kept)
		a.outLog.flush()
	}
	value := json.RawMessage(raw)
	if text {
		var err error
		if value, err = valueOf(raw); err != nil {
			return nil, err
		}
	}
	if len(value) == 0 {
		value = json.RawMessage("null")
	}
	if a.settings.filesOut == nil {
		return value, nil
	}
	files := map[string]any{}
	for _, f := range outcome.Files {
		files[f.Name] = f
	}
	return json.Marshal(map[string]any{"result": value, "files": files})
}

// valueOf is what was printed: JSON if it is, else text without the newline at its
// end. Nothing is null.
func valueOf(printed []byte) (json.RawMessage, error) {
	switch {
	case len(printed) == 0:
		return json.RawMessage("null"), nil
	case !utf8.Valid(printed):
		return nil, lasting(wasmhost.KindInvalidOutput, "the result is neither JSON nor text in UTF-8, it begins %.40q; leave other files in %s, with files_out", printed, outDir)
	case json.Valid(printed):
		return json.RawMessage(printed), nil
	}
	if last := len(printed) - 1; printed[last] == '\n' {
		printed = printed[:last]
	}
	value, err := json.Marshal(string(printed))
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	return value, nil
}
