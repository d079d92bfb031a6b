package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// SecretStore has secrets by name. It is safe for concurrent use.
type SecretStore interface {
	// Secret is the value of a secret, or abi.NotFound, wrapped or not. Any other
	// error is one that may pass.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Redactor finds values of secrets in what a task tells. It is safe for
// concurrent use.
type Redactor interface {
	// Redact is text without the values.
	Redact(text string) string
	// Contains tells whether a value is in data.
	Contains(data []byte) bool
}

// Secrets are the secrets of one attempt: all that its guest may read, and thus
// all that it may tell. It is safe for concurrent use. The zero value has none.
type Secrets struct {
	values   map[string][]byte
	redactor Redactor // nil: there are no values
	output   bool     // values may be in the result
}

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

// SecretFailure gives the error of an attempt the kind of err, if that is an error
// of [Grant] or of [Secrets.CheckOutput], wrapped or not; once ctx is done it has the
// kind that it has.
func SecretFailure(ctx context.Context, failed *engine.TaskError, err error) *engine.TaskError {
	var secret *secretError
	if errors.As(err, &secret) && ctx.Err() == nil {
		failed.Kind, failed.Permanent = secret.kind, secret.permanent
	}
	return failed
}

// Grant fetches the secrets of a task before its guest starts; a name may be there
// several times. Without a store there are none, whatever the names. The redactor
// is asked for what finds their values. With output, values may be in the result.
//
// Its errors are for [SecretFailure]: all missing secrets are denied in one, never
// retried; a store that fails may be there again for the next attempt.
func Grant(ctx context.Context, store SecretStore, redactor func(values [][]byte) Redactor, names []string, output bool) (*Secrets, error) {
	s := &Secrets{output: output}
	if store == nil || len(names) == 0 {
		return s, nil
	}
	s.values = map[string][]byte{}
	var missing []string
	var all [][]byte
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		value, err := store.Secret(ctx, name)
		switch {
		case errors.Is(err, abi.NotFound):
			missing = append(missing, name)
		case err != nil:
			return nil, &secretError{kind: engine.KindError, cause: fmt.Errorf("fetch secret %q: %w", name, err)}
		default:
			s.values[name], all = value, append(all, value)
		}
	}
	if len(missing) > 0 {
		return nil, deniedSecret("missing secrets: no store has %s: set what is missing, or take it out of the task's secrets", Quoted(missing))
	}
	s.redactor = redactor(all)
	return s, nil
}

// Names lists the secrets, sorted.
func (s *Secrets) Names() []string { return slices.Sorted(maps.Keys(s.values)) }

// Secret is a copy of the value of a secret, or abi.NotFound.
func (s *Secrets) Secret(_ context.Context, name string) ([]byte, error) {
	if value, ok := s.values[name]; ok {
		return bytes.Clone(value), nil
	}
	return nil, abi.NotFound
}

// Redact is text without values.
func (s *Secrets) Redact(text string) string {
	if s.redactor == nil {
		return text
	}
	return s.redactor.Redact(text)
}

// Sink passes on what a guest tells, without values.
func (s *Secrets) Sink(to engine.Sink) engine.Sink {
	if s.redactor == nil {
		return to
	}
	return redacting{secrets: s, to: to}
}

// redacting is a sink that takes values out.
type redacting struct {
	secrets *Secrets
	to      engine.Sink
}

func (r redacting) Log(level slog.Level, line string) { r.to.Log(level, r.secrets.Redact(line)) }

func (r redacting) Progress(done, total float64, note string) {
	r.to.Progress(done, total, r.secrets.Redact(note))
}

// Hide takes values out of an error, which it changes and returns. The guest chooses
// the kind too. An Err whose text has a value is dropped: it would be printed some day.
func (s *Secrets) Hide(e *engine.TaskError) *engine.TaskError {
	if s.redactor == nil {
		return e
	}
	if e.Err != nil && s.Redact(e.Err.Error()) != e.Err.Error() || s.Redact(e.Stack+e.Message) != e.Stack+e.Message {
		e.Err = nil
	}
	e.Kind, e.Message, e.Stack = s.Redact(e.Kind), s.Redact(e.Message), s.Redact(e.Stack)
	return e
}
