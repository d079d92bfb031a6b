package wasm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// Redactor finds values of secrets in what a task tells. It is safe for
// concurrent use.
type Redactor interface {
	// Redact is text without the values.
	Redact(text string) string
	// Contains tells whether a value is in data.
	Contains(data []byte) bool
}

// granted are the secrets of one attempt: all that its guest may read, and thus
// all that it may tell. It is safe for concurrent use.
type granted struct {
	values   map[string][]byte
	redactor Redactor // nil: there are no values
	output   bool     // values may be in the result
}

var _ wasmhost.Secrets = (*granted)(nil)

// secretError is what is wrong with an attempt's secrets.
type secretError struct {
	kind      string
	permanent bool
	cause     error
}

func (e *secretError) Error() string { return e.cause.Error() }
func (e *secretError) Unwrap() error { return e.cause }

func deniedSecret(format string, args ...any) error {
	return &secretError{kind: engine.KindDenied, permanent: true, cause: fmt.Errorf(format, args...)}
}

// secretFailure is failure for the errors of this file too.
func secretFailure(ctx context.Context, call *engine.Call, ref reference, err error) *engine.TaskError {
	failed := failure(ctx, call, ref, err)
	var secret *secretError
	if errors.As(err, &secret) && ctx.Err() == nil {
		failed.Kind, failed.Permanent = secret.kind, secret.permanent
	}
	return failed
}

// granted fetches the secrets of a task before its guest starts.
func (h *Handler) granted(ctx context.Context, o options) (*granted, error) {
	g := &granted{output: o.secretOutput}
	if h.config.Secrets == nil || len(o.Grants.Secrets) == 0 {
		return g, nil
	}
	g.values = map[string][]byte{}
	var missing []string
	var all [][]byte
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.Grants.Secrets))) {
		value, err := h.config.Secrets.Secret(ctx, name)
		switch {
		case errors.Is(err, abi.NotFound):
			missing = append(missing, name)
		case err != nil:
			// A store may be there again for the next attempt.
			return nil, &secretError{kind: engine.KindError, cause: fmt.Errorf("fetch secret %q: %w", name, err)}
		default:
			g.values[name], all = value, append(all, value)
		}
	}
	if len(missing) > 0 {
		return nil, deniedSecret("missing secrets: no store has %s: set what is missing, or take it out of the task's secrets", quoted(missing))
	}
	g.redactor = h.config.Redactor(all)
	return g, nil
}

// Secret implements wasmhost.Secrets.
func (g *granted) Secret(_ context.Context, name string) ([]byte, error) {
	if value, ok := g.values[name]; ok {
		return bytes.Clone(value), nil
	}
	return nil, abi.NotFound
}

// redact is text without values.
func (g *granted) redact(text string) string {
	if g.redactor == nil {
		return text
	}
	return g.redactor.Redact(text)
}

// sink passes on what a guest tells, without values.
func (g *granted) sink(to engine.Sink) engine.Sink {
	if g.redactor == nil {
		return to
	}
	return redacting{secrets: g, to: to}
}

// redacting is a sink that takes values out.
type redacting struct {
	secrets *granted
	to      engine.Sink
}

func (r redacting) Log(level slog.Level, line string) { r.to.Log(level, r.secrets.redact(line)) }

func (r redacting) Progress(done, total float64, note string) {
	r.to.Progress(done, total, r.secrets.redact(note))
}

// hide takes values out of an error. The guest chooses the kind too. An Err whose
// text has one is dropped: it would be printed some day.
func (g *granted) hide(e *engine.TaskError) *engine.TaskError {
	if g.redactor == nil {
		return e
	}
	if e.Err != nil && g.redact(e.Err.Error()) != e.Err.Error() || g.redact(e.Stack+e.Message) != e.Stack+e.Message {
		e.Err = nil
	}
	e.Kind, e.Message, e.Stack = g.redact(e.Kind), g.redact(e.Message), g.redact(e.Stack)
	return e
}

// checkOutput refuses a result that has a value in it: in what the task returns,
// writes to the channel, hands to a next task or iteration, notes in a
// checkpoint, or asks for.
func (g *granted) checkOutput(r engine.Result) error {
	if g.redactor == nil || g.output {
		return nil
	}
	if g.leaks(r.Value) {
		return leaked("its result")
	}
	for _, op := range r.Effects.Channel {
		if g.leaks([]byte(op.Key)) || g.leaks(op.Value) {
			return leaked("what it writes to the channel")
		}
	}
	for _, next := range r.Effects.Next {
		if g.leaks([]byte(next.Task.ID+"\n"+next.Task.Handler)) || g.leaks(next.Task.Spec) || g.leaks(next.Input) {
			return leaked("what it hands to a next task")
		}
	}
	if r.Effects.Iterate != nil && g.leaks(r.Effects.Iterate.Data) {
		return leaked("what it hands to its next iteration")
	}
	for _, c := range r.Effects.Checkpoints {
		if g.leaks([]byte(c.Name)) || g.leaks(c.Meta) {
			return leaked("what it notes in a checkpoint")
		}
	}
	if p := r.Effects.Pause; p != nil && (g.leaks([]byte(p.Name)) || g.leaks(p.Schema) || g.leaks(p.Default)) {
		return leaked("what it pauses for")
	}
	return nil
}

func leaked(where string) error {
	return deniedSecret("%s contains the value of a secret: leave it out, or allow it with grants.allow_secret_output", where)
}

// leaks tells whether a value is in JSON, or in a string that it writes with
// escapes.
func (g *granted) leaks(data []byte) bool {
	if g.redactor.Contains(data) {
		return true
	}
	if bytes.IndexByte(data, '\\') < 0 {
		return false
	}
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if err != nil {
			return false // the end
		}
		if text, ok := token.(string); ok && g.redactor.Contains([]byte(text)) {
			return true
		}
	}
}
