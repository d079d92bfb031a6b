package main

import (
	"context"
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// steerable is what an engine of this process can do with runs.
type steerable interface {
	runs
	History(ctx context.Context, run string) (*engine.History, error)
	Resume(ctx context.Context, run string) (*engine.Running, error)
	Answer(ctx context.Context, run, name string, answer json.RawMessage) (*engine.Running, error)
	Retry(ctx context.Context, run string, from engine.RetryFrom) (*engine.Running, error)
	Fork(ctx context.Context, run, checkpoint, id string) (*engine.Running, error)
	Restore(ctx context.Context, doc []byte, id string) (*engine.Running, error)
}

var (
	_ steerable = (*control.Desk)(nil)
	_ steerable = (*clusterDesk)(nil)
)

// engineDesk is the desk of a session with an engine.
type engineDesk struct {
	steerable

	session *session
}

var _ desk = engineDesk{}

// Past implements desk.
func (d engineDesk) Past(ctx context.Context, run string) (*pastRun, error) {
	return pastOf(d.History(ctx, run))
}

// Resume implements desk.
func (d engineDesk) Resume(ctx context.Context, run string) (drivenRun, error) {
	return d.session.drives(d.steerable.Resume(ctx, run))
}

// Answer implements desk.
func (d engineDesk) Answer(ctx context.Context, run, name string, answer json.RawMessage) (drivenRun, error) {
	return d.session.drives(d.steerable.Answer(ctx, run, name, answer))
}

// Retry implements desk.
func (d engineDesk) Retry(ctx context.Context, run string, from engine.RetryFrom) (drivenRun, error) {
	return d.session.drives(d.steerable.Retry(ctx, run, from))
}

// Fork implements desk.
func (d engineDesk) Fork(ctx context.Context, run, checkpoint, id string) (drivenRun, error) {
	return d.session.drives(d.steerable.Fork(ctx, run, checkpoint, id))
}

// Restore implements desk.
func (d engineDesk) Restore(ctx context.Context, doc []byte, id string) (drivenRun, error) {
	return d.session.drives(d.steerable.Restore(ctx, doc, id))
}
