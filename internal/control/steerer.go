package control

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// Steerer asks whoever drives a run to do something to it. It is safe for concurrent
// use.
type Steerer struct {
	ask func(ctx context.Context, method string, r request) error
}

// NewSteerer makes one of a way to ask the process that drives a run, where a
// [Share] answers. An error of the answer is to be an [*Error].
func NewSteerer(ask func(ctx context.Context, run, method string, body []byte) ([]byte, error)) *Steerer {
	return &Steerer{ask: func(ctx context.Context, method string, r request) error {
		body, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		_, err = ask(ctx, r.Run, method, body)
		return err
	}}
}

// Cancel is [Desk.Cancel].
func (s *Steerer) Cancel(ctx context.Context, run, message string) error {
	return s.ask(ctx, methodCancel, request{Run: run, Message: message})
}

// Hold is [Desk.Hold].
func (s *Steerer) Hold(ctx context.Context, run, message string) error {
	return s.ask(ctx, methodHold, request{Run: run, Message: message})
}

// Resume is [Desk.Resume].
func (s *Steerer) Resume(ctx context.Context, run string) error {
	return s.ask(ctx, methodResume, request{Run: run})
}

// Answer is [Desk.Answer].
func (s *Steerer) Answer(ctx context.Context, run, name string, answer json.RawMessage) error {
	return s.ask(ctx, methodAnswer, request{Run: run, Name: name, Value: answer})
}

// Retry is [Desk.Retry].
func (s *Steerer) Retry(ctx context.Context, run string, from engine.RetryFrom) error {
	return s.ask(ctx, methodRetry, request{Run: run, Task: from.Task, Value: from.Input})
}

// Delete is [Desk.Delete].
func (s *Steerer) Delete(ctx context.Context, run string, force bool) error {
	return s.ask(ctx, methodDelete, request{Run: run, Force: force})
}
