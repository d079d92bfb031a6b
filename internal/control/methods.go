package control

import (
	"context"
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
)

// request is what is asked of who drives a run; each method reads its own fields.
type request struct {
	Run        string          `json:"run,omitempty"`
	Message    string          `json:"message,omitempty"`
	Name       string          `json:"name,omitempty"` // of a pause
	Value      json.RawMessage `json:"value,omitempty"`
	Task       string          `json:"task,omitempty"`
	Checkpoint string          `json:"checkpoint,omitempty"`
	ID         string          `json:"id,omitempty"`
	Digest     string          `json:"digest,omitempty"` // of a file
	Document   []byte          `json:"document,omitempty"`
	Force      bool            `json:"force,omitempty"`
}

// Names of the methods that steer runs.
const (
	methodCancel = "cancel"
	methodHold   = "hold"
	methodResume = "resume"
	methodAnswer = "answer"
	methodRetry  = "retry"
	methodDelete = "delete"
)

// call is a method of a Desk or a Share.
type call func(ctx context.Context, r request) (answer any, err error)

// steering is what can be done to runs.
type steering interface {
	Cancel(ctx context.Context, run, message string) error
	Hold(ctx context.Context, run, message string) error
	Resume(ctx context.Context, run string) (*engine.Running, error)
	Answer(ctx context.Context, run, name string, answer json.RawMessage) (*engine.Running, error)
	Retry(ctx context.Context, run string, from engine.RetryFrom) (*engine.Running, error)
	Delete(ctx context.Context, run string, force bool) error
}

var (
	_ steering = (*Desk)(nil)
	_ steering = (*Share)(nil)
)

// steer are the methods that a [Steerer] asks for.
func steer(s steering) map[string]call {
	return map[string]call{
		methodCancel: func(ctx context.Context, r request) (any, error) { return nil, s.Cancel(ctx, r.Run, r.Message) },
		methodHold:   func(ctx context.Context, r request) (any, error) { return nil, s.Hold(ctx, r.Run, r.Message) },
		methodResume: func(ctx context.Context, r request) (any, error) { return id(s.Resume(ctx, r.Run)) },
		methodAnswer: func(ctx context.Context, r request) (any, error) { return id(s.Answer(ctx, r.Run, r.Name, r.Value)) },
		methodDelete: func(ctx context.Context, r request) (any, error) { return nil, s.Delete(ctx, r.Run, r.Force) },
		methodRetry: func(ctx context.Context, r request) (any, error) {
			return id(s.Retry(ctx, r.Run, engine.RetryFrom{Task: r.Task, Input: r.Value}))
		},
	}
}

// methods are all that a [Client] asks for, but follow and file.
func (d *Desk) methods() map[string]call {
	all := steer(d)
	for name, f := range map[string]call{
		"ping":    func(context.Context, request) (any, error) { return true, nil },
		"list":    func(ctx context.Context, _ request) (any, error) { return d.List(ctx) },
		"show":    func(ctx context.Context, r request) (any, error) { return d.Show(ctx, r.Run) },
		"events":  func(ctx context.Context, r request) (any, error) { return d.Events(ctx, r.Run) },
		"export":  func(ctx context.Context, r request) (any, error) { return d.Export(ctx, r.Run, r.Checkpoint) },
		"fork":    func(ctx context.Context, r request) (any, error) { return id(d.Fork(ctx, r.Run, r.Checkpoint, r.ID)) },
		"restore": func(ctx context.Context, r request) (any, error) { return id(d.Restore(ctx, r.Document, r.ID)) },
	} {
		all[name] = f
	}
	return all
}

func id(o *engine.Running, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return o.ID(), nil
}
