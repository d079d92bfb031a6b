package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/control"
)

// drivenRun is a run that somebody drives: this process, or another.
type drivenRun interface {
	Wait(ctx context.Context) (engine.Outcome, error)
	Outcome() engine.Outcome
	Done() <-chan struct{}
	Cancel(message string) error
	Resume(name string, answer json.RawMessage) error
}

var (
	_ drivenRun = (*engine.Running)(nil)
	_ drivenRun = (*farRun)(nil)
)

// farRun is a run that another process drives. What changes it is asked for there.
type farRun struct {
	*engine.Running

	steerer *control.Steerer
}

// Cancel is [engine.Running.Cancel].
func (r *farRun) Cancel(message string) error {
	return r.steerer.Cancel(context.Background(), r.ID(), message)
}

// Resume is [engine.Running.Resume].
func (r *farRun) Resume(name string, answer json.RawMessage) error {
	err := r.steerer.Answer(context.Background(), r.ID(), name, answer)
	if control.Status(err) == http.StatusUnprocessableEntity {
		return &misfit{err}
	}
	return err
}

// misfit is an engine.ErrInvalidAnswer that came from elsewhere, with its own text.
type misfit struct{ error }

// Is implements what errors.Is asks for.
func (*misfit) Is(target error) bool { return target == engine.ErrInvalidAnswer }

// Unwrap returns the error as it came.
func (m *misfit) Unwrap() error { return m.error }

// drives is a run that this session has begun, or that it follows, unless there is an
// error.
func (s *session) drives(o *engine.Running, err error) (drivenRun, error) {
	switch {
	case err != nil:
		return nil, err
	case s.bus != nil:
		return &farRun{o, cluster.NewSteerer(s.bus)}, nil
	}
	s.local.Keep(o)
	return o, nil
}

// cancelOn cancels the run when a signal comes. The error says that it could not be.
func (d *driving) cancelOn(signaled <-chan string, ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case name := <-signaled:
		err := d.running.Cancel("canceled by " + name)
		if err == nil || errors.Is(err, engine.ErrFinished) || control.Status(err) == http.StatusConflict {
			<-ended
			return nil
		}
		return fmt.Errorf("cancel it after %s: %w", name, err)
	}
}

// onItsWayFor bounds the wait for an answer that another process has taken.
const onItsWayFor = 50 * time.Millisecond

// onItsWay waits a little for what was answered elsewhere to be seen here.
func (d *driving) onItsWay() {
	if !d.session.isFar() {
		return
	}
	select {
	case <-d.changed:
	case <-d.running.Done():
	case <-time.After(onItsWayFor):
	}
}
